/**
 * What tools got, were refused and gave back, in the log. A token is handed out only after it was
 * recorded. Refusals pass through the same counting as every other denial. No token, code or secret is
 * ever in it: only which tool, how, and why not.
 */
import type { Middleware } from 'koa';
import type Provider from 'oidc-provider';
import type { errors, KoaContextWithOIDC } from 'oidc-provider';
import type { Denials } from '../denials.ts';
import { TokenIssued, TokenRefused, TokenRevoked } from '../engine-events.ts';
import type { OnError } from '../ports.ts';
import { serviceId } from '../principal.ts';
import { anonymous, type Recorder, type Who } from '../recorder.ts';
import { grantIdOf } from './access-tokens.ts';
import { routeIn } from './confirming.ts';
import type { PersonAccount } from './grants.ts';
import { factsOf } from './requests.ts';
import { hashOf } from './token-format.ts';

interface Deps {
  readonly recorder: Recorder;
  readonly denials: Denials;
  readonly onError: OnError;
}

/** A tool that polls is told to wait again and again; that is no refusal. */
const notRefused = new Set(['authorization_pending', 'slow_down']);
const whyCharactersMax = 200;

export const recordTokens = (provider: Provider, { recorder, denials, onError }: Deps): void => {
  const whys = new WeakMap<object, string>();

  const issued = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { params, entities } = ctx.oidc;
    const token = entities.AccessToken ?? entities.ClientCredentials;
    const { refresh_token: refresh } = ctx.body as { readonly refresh_token?: string };
    const event = TokenIssued.of({
      grant: grantIn(params),
      scope: token?.scope?.split(' ') ?? [],
      refreshable: refresh !== undefined,
      ...(typeof entities.TokenIssuer === 'string' ? { issuer: entities.TokenIssuer } : {}),
    });
    await recorder.record(event, whoOf(ctx));
  };

  const refused = (ctx: KoaContextWithOIDC, error: string): void => {
    if (notRefused.has(error)) return;
    const why = (whys.get(ctx) ?? error).slice(0, whyCharactersMax);
    const event = TokenRefused.of({ grant: grantIn(ctx.oidc.params), error, why });
    void denials.note({ code: `token ${error}`, who: whoOf(ctx, error), event });
  };

  const revoked = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const { AccessToken, ClientCredentials, RefreshToken } = ctx.oidc.entities;
    const what = AccessToken ?? ClientCredentials ?? RefreshToken;
    if (what === undefined) return;
    await recorder.record(TokenRevoked.of({ by: 'tool', what: what.kind }), whoOf(ctx));
  };

  const outcome = async (ctx: KoaContextWithOIDC): Promise<void> => {
    const route = routeIn(ctx);
    const error = (ctx.body as { readonly error?: unknown } | undefined)?.error;
    if (typeof error === 'string' && recordedRoutes.has(route)) refused(ctx, error);
    else if (ctx.status === 200 && route === 'token') await issued(ctx);
    else if (ctx.status === 200 && route === 'revocation') await revoked(ctx);
  };

  const recorded: Middleware = async (ctx, next) => {
    await next();
    try {
      if (ctx.oidc !== undefined) await outcome(ctx as unknown as KoaContextWithOIDC);
    } catch (error) {
      // The token exists, but nobody is told of it: unrecorded, it is as good as never issued.
      onError(error, 'recording a token');
      ctx.status = 503;
      ctx.body = { error: 'temporarily_unavailable', error_description: 'Try again.' };
    }
  };

  const noteWhy = (ctx: object, error: errors.OIDCProviderError) =>
    void whys.set(ctx, error.error_detail ?? error.error_description ?? error.message);
  provider.on('grant.error', noteWhy);
  provider.on('introspection.error', noteWhy);
  provider.on('revocation.error', noteWhy);
  provider.on('device_authorization.error', noteWhy);
  provider.on('authorization.error', (ctx, error) => {
    noteWhy(ctx, error);
    refused(ctx, error.message);
  });
  provider.on('grant.revoked', (ctx) => {
    if (routeIn(ctx) !== 'token') return;
    const event = TokenRevoked.of({ by: 'second-use', what: 'Grant' });
    void denials.note({ code: 'token second-use', who: whoOf(ctx), event });
  });
  provider.on('server_error', (_ctx, error) => onError(error, 'answering a tool'));
  provider.app.on('error', (error: unknown) => onError(error, 'answering a tool'));
  provider.use(recorded);
};

/** Refusals of the others are shown to a person, and recorded as `authorization.error`. */
const recordedRoutes = new Set(['token', 'introspection', 'revocation', 'device_authorization']);

const knownGrants = /^[a-z_]{1,40}$|^urn:ietf:params:oauth:grant-type:[a-z_-]{1,40}$/;

/** `authorization_code`, `device_code`, `token-exchange` …; whatever else somebody sent is `other`. */
const grantIn = (params: KoaContextWithOIDC['oidc']['params']): string => {
  const given = params?.grant_type;
  if (given === undefined) return 'authorization';
  return typeof given === 'string' && knownGrants.test(given)
    ? (given.split(':').at(-1) ?? 'other')
    : 'other';
};

/** Before it has proved itself a client is only a name that anybody may write; without keys or secret it stays one. */
const isProved = (ctx: KoaContextWithOIDC, error: string | undefined): boolean =>
  recordedRoutes.has(routeIn(ctx)) &&
  ctx.oidc.client?.clientAuthMethod !== 'none' &&
  !notProved.has(error ?? '');

/** What oidc-provider answers while the proof is looked at. */
const notProved = new Set(['invalid_client', 'server_error']);

const whoOf = (ctx: KoaContextWithOIDC, error?: string): Who => {
  const { entities, client } = ctx.oidc;
  const { ip } = factsOf(ctx.req);
  const account = entities.Account as PersonAccount | undefined;
  const holder = entities.AccessToken ?? entities.RefreshToken;
  const tool = client?.clientId ?? 'none';
  const personId = account?.accountId ?? holder?.accountId;
  if (client === undefined) return anonymous(ip);
  if (personId === undefined)
    return isProved(ctx, error)
      ? { actor: { id: serviceId(tool), kind: 'service' }, tool, ip }
      : anonymous(ip);
  const grantId = holder?.grantId;
  return {
    actor: { id: personId, kind: 'person' },
    tool,
    ip,
    ...(grantId === undefined ? {} : { sessionId: grantIdOf(hashOf(grantId).toString('hex')) }),
    ...(account?.person.email === undefined ? {} : { email: account.person.email }),
    ...(account?.person.name === undefined ? {} : { name: account.person.name }),
  };
};
