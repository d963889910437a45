/**
 * oidc-provider, set to what tools need and nothing more: authorization code with PKCE, device flow, client
 * credentials with private_key_jwt, refresh tokens that are used once, revocation and introspection.
 * Whatever else it could do is off.
 */
import type { JWK } from 'jose';
import {
  type AccessToken,
  type AdapterFactory,
  type Client,
  type ClientCredentials,
  type Configuration,
  errors,
  interactionPolicy,
  type KoaContextWithOIDC,
  type RefreshToken,
  type ResourceServer,
} from 'oidc-provider';
import type { PolicyInForce } from '../policy-in-force.ts';
import { permissions } from '../principal.ts';
import { needsPkce, originBelongsTo, toolOf } from './clients.ts';
import { keepConfirming } from './confirming.ts';
import { deviceFlowOf } from './device.ts';
import type { Grants } from './grants.ts';
import { refusalPage, sendPage } from './pages.ts';
import type { SessionOf } from './requests.ts';
import { accessTokenSeconds, personScopes } from './scopes.ts';
import { isOlder } from './sign-in-age.ts';

export interface ConfigurationDeps {
  readonly adapter: AdapterFactory;
  readonly policy: PolicyInForce;
  readonly grants: Grants;
  readonly sessionOf: SessionOf;
  /** The one that signs first. */
  readonly keys: readonly JWK[];
  readonly cookieKey: Buffer;
  /** Whether cookies are for https alone. */
  readonly secure: boolean;
  /** Our API, as the audience of the tokens that it takes. */
  readonly resource: string;
  readonly resourceServerFor: (ctx: KoaContextWithOIDC, client: Client) => ResourceServer;
  /** Path of the page that signs a person in for a tool, followed by the interaction's uid. */
  readonly signInPath: string;
  readonly deviceAddress: string;
}

const off = { enabled: false } as const;
const minute = 60;
const day = 24 * 60 * minute;
const lifeSeconds = { code: minute, interaction: 10 * minute, session: day, refresh: 14 * day } as const;
const assertionSecondsMax = 5 * minute;
const signatures = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA'] as const;

export const configurationOf = (deps: ConfigurationDeps): Configuration => {
  const { adapter, policy, grants, keys } = deps;
  return {
    adapter,
    jwks: { keys: [...keys] },
    findAccount: grants.findAccount,
    loadExistingGrant: grants.give,
    interactions: {
      policy: promptsOf(deps),
      url: async (ctx, interaction) => {
        await keepConfirming(ctx, interaction, deps.sessionOf);
        return `${deps.signInPath}${interaction.uid}`;
      },
    },
    scopes: [...personScopes],
    claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
    conformIdTokenClaims: false,
    responseTypes: ['code'],
    pkce: {
      methods: ['S256'],
      required: (_ctx, { clientId }) => needsPkce(policy.current().policy, clientId),
    },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: [...signatures], idTokenSigningAlgValues: ['RS256'] },
    assertJwtClientAuthClaimsAndHeader: (_ctx, { exp, iat }) => assertShortLived(exp, iat),
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // Ours are bound to our session (grants.ts), not to the short-lived one of oidc-provider.
    expiresWithSession: () => false,
    clientBasedCORS: (_ctx, origin, { clientId }) =>
      originBelongsTo(policy.current().policy, clientId, origin),
    clientDefaults: { id_token_signed_response_alg: 'RS256', response_types: [], grant_types: [] },
    routes: routePaths,
    cookies: cookiesOf(deps),
    ttl: {
      AccessToken: accessTokenSeconds,
      ClientCredentials: accessTokenSeconds,
      AuthorizationCode: lifeSeconds.code,
      DeviceCode: lifeSeconds.interaction,
      IdToken: accessTokenSeconds,
      Interaction: lifeSeconds.interaction,
      Session: lifeSeconds.session,
      Grant: lifeSeconds.refresh,
      RefreshToken: refreshSeconds,
    },
    renderError: (ctx, out) => sendPage(ctx, refusalPage(ctx.status, out.error, out.error_description)),
    features: featuresOf(deps),
  };
};

/** However often it is rotated, it ends when the first one would have. */
const refreshSeconds = ({ oidc }: KoaContextWithOIDC): number =>
  oidc.entities.RotatedRefreshToken?.remainingTTL ?? lifeSeconds.refresh;

const routePaths = {
  authorization: '/auth',
  token: '/token',
  jwks: '/jwks',
  revocation: '/revoke',
  introspection: '/introspect',
  device_authorization: '/device/auth',
  code_verification: '/device',
} as const;

const featuresOf = (deps: ConfigurationDeps): NonNullable<Configuration['features']> => ({
  devInteractions: off,
  userinfo: off,
  rpInitiatedLogout: off,
  pushedAuthorizationRequests: off,
  clientCredentials: { enabled: true },
  revocation: { enabled: true },
  introspection: {
    enabled: true,
    allowedPolicy: (_ctx, client, token) => mayIntrospect(deps, client, token),
  },
  deviceFlow: deviceFlowOf({ ...deps, address: deps.deviceAddress }),
  resourceIndicators: {
    enabled: true,
    defaultResource: () => deps.resource,
    useGrantedResource: () => true,
    getResourceServerInfo: (ctx, resource, client) => {
      if (resource !== deps.resource) throw new errors.InvalidTarget(`the only resource is ${deps.resource}`);
      return deps.resourceServerFor(ctx, client);
    },
  },
});

/** Of another tool's tokens only who was granted `tokens:introspect` is told anything. */
const mayIntrospect = async (
  { policy, grants }: ConfigurationDeps,
  { clientId }: Client,
  token: AccessToken | ClientCredentials | RefreshToken,
): Promise<boolean> => {
  const { scope = [] } = toolOf(policy.current().policy, clientId) ?? {};
  if (token.clientId !== clientId && !permissions(scope).has('tokens:introspect')) return false;
  return !('grantId' in token) || token.grantId === undefined || (await grants.stands(token.grantId));
};

/** Signing in is ours: whoever has no session here, or another person's, is led to it. */
const promptsOf = ({ sessionOf }: ConfigurationDeps) => {
  const policy = interactionPolicy.base();
  const checks = policy.get('login')?.checks;
  checks?.add(
    new interactionPolicy.Check('quarterdeck_session', 'sign in first', 'login_required', async (ctx) => {
      const session = await sessionOf(ctx.req);
      return session === undefined || session.personId !== ctx.oidc.session?.accountId;
    }),
  );
  checks?.add(
    // oidc-provider knows when we last told it of a person; what counts here is the session that they have now.
    new interactionPolicy.Check('quarterdeck_max_age', 'sign in afresh', 'login_required', async (ctx) => {
      const { params = {}, result } = ctx.oidc;
      const session = await sessionOf(ctx.req);
      return result?.login === undefined && session !== undefined && isOlder(session, params.max_age);
    }),
  );
  return policy;
};

const cookiesOf = ({ secure, cookieKey }: ConfigurationDeps): NonNullable<Configuration['cookies']> => {
  const settings = { httpOnly: true, sameSite: 'lax', signed: true, secure, overwrite: true } as const;
  const host = secure ? '__Host-' : '';
  // These two are for one path each, which __Host- forbids; another path for all would let two tabs mix up
  // their sign-ins. A neighbouring host can set them: `confirming.ts` sees to it that this gains nothing.
  const path = secure ? '__Secure-' : '';
  return {
    names: {
      session: `${host}quarterdeck-tools`,
      interaction: `${path}quarterdeck-tool-sign-in`,
      resume: `${path}quarterdeck-tool-resume`,
    },
    long: { ...settings, path: '/' },
    short: settings,
    keys: [cookieKey],
  };
};

const assertShortLived = (exp: unknown, iat: unknown): void => {
  const now = Math.floor(Date.now() / 1_000);
  const from = typeof iat === 'number' ? iat : now;
  if (typeof exp !== 'number' || exp - Math.min(from, now) > assertionSecondsMax)
    throw new errors.InvalidClientAuth('a client assertion may be valid for five minutes at most');
};
