/** The device flow (RFC 8628) as oidc-provider asks for it: which pages are shown when. */
import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { PolicyInForce } from '../policy-in-force.ts';
import { toolName } from './clients.ts';
import { codePage, confirmPage, deviceDonePage, deviceRefusedPage, refusalPage, sendPage } from './pages.ts';
import { factsOf, type SessionOf } from './requests.ts';
import { personScopes } from './scopes.ts';

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

interface Deps {
  readonly policy: PolicyInForce;
  readonly sessionOf: SessionOf;
  /** Of the page where codes are typed. */
  readonly address: string;
}

const clientCharactersMax = 120;

export const deviceFlowOf = ({ policy, sessionOf, address }: Deps): DeviceFlow => {
  const formOf = (ctx: KoaContextWithOIDC) => ({
    action: address,
    xsrf: (ctx.oidc.session?.state as { readonly secret?: string } | undefined)?.secret ?? '',
  });
  return {
    enabled: true,
    charset: 'base-20',
    mask: '****-****',
    deviceInfo: (ctx) => ({
      ip: factsOf(ctx.req).ip,
      client: (ctx.get('user-agent') || 'unknown').slice(0, clientCharactersMax),
    }),
    userCodeInputSource: (ctx, _form, out, error) => {
      if (error?.name === 'AbortedError') return sendPage(ctx, deviceRefusedPage());
      if (error !== undefined && !isAboutCode(error)) {
        return sendPage(ctx, refusalPage(ctx.status, out?.error ?? 'error', out?.error_description));
      }
      const { userCode: code } = factsOf(ctx.req);
      sendPage(ctx, codePage(formOf(ctx), { code, problem: problemOf(error) }));
    },
    userCodeConfirmSource: async (ctx, _form, client, info, code) => {
      const session = await sessionOf(ctx.req);
      if (session === undefined) throw new errors.AccessDenied('sign in first');
      const asked = ctx.oidc.entities.DeviceCode?.params?.scope;
      const scope = typeof asked === 'string' ? asked.split(' ') : [];
      const asks = {
        tool: toolName(policy.current().policy, client.clientId),
        code,
        as: session.email ?? session.name ?? session.personId,
        scope: scope.filter((one) => !(personScopes as readonly string[]).includes(one)),
        ip: String(info.ip),
        client: String(info.client),
      };
      sendPage(ctx, confirmPage(formOf(ctx), asks));
    },
    successSource: (ctx) =>
      sendPage(ctx, deviceDonePage(toolName(policy.current().policy, ctx.oidc.client?.clientId ?? ''))),
  };
};

/** What oidc-provider shows its form again for; it does not export these classes. */
const problems: Readonly<Record<string, string>> = {
  NoCodeError: 'Type the code first.',
  NotFoundError: 'No tool waits with this code. Look whether you typed it as it is shown.',
  ExpiredError: 'This code is too old. Let the tool show a new one.',
  AlreadyUsedError: 'This code was used already. Let the tool show a new one.',
};

const isAboutCode = ({ name }: Error): boolean => Object.hasOwn(problems, name);

const problemOf = (error: Error | undefined): string | undefined =>
  error === undefined ? undefined : problems[error.name];
