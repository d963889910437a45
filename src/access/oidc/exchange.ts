/**
 * Token exchange (RFC 8693): a tool that signs its users in at an issuer of its own brings their token and
 * gets one of ours, which acts as the same person through that tool. Which issuers, which tools and which
 * claim names the person is in the policy. The token's signature, issuer, audience and times are checked;
 * the person must have signed in here before and be active: an exchange makes nobody up.
 */
import { decodeJwt, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type Provider from 'oidc-provider';
import { type Client, errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { People, Person } from '../people.ts';
import type { TokenIssuer } from '../policy/tools.ts';
import type { PolicyInForce } from '../policy-in-force.ts';
import { exchangeGrant } from './clients.ts';
import type { Grants } from './grants.ts';
import { KeysAway, rememberedKeys } from './issuer-keys.ts';
import { accessTokenSeconds } from './scopes.ts';

export interface ExchangeDeps {
  readonly policy: PolicyInForce;
  readonly people: Pick<People, 'find' | 'idOf'>;
  readonly grants: Pick<Grants, 'findAccount' | 'bind'>;
  readonly resourceServerFor: (ctx: KoaContextWithOIDC, client: Client) => ResourceServer;
  /** The entity id of an identity provider, by its id in the policy. */
  readonly entityIdOf: (provider: string) => string | undefined;
  /** Our API, as the audience of the tokens that it takes. */
  readonly resource: string;
}

const jwtTypes = new Set([
  'urn:ietf:params:oauth:token-type:jwt',
  'urn:ietf:params:oauth:token-type:id_token',
  'urn:ietf:params:oauth:token-type:access_token',
]);
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';
const parameters = [
  'subject_token',
  'subject_token_type',
  'requested_token_type',
  'scope',
  'resource',
  'audience',
];
/** Nothing symmetric, and not `none`: an issuer's public key is no secret. */
const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const clockToleranceSeconds = 30;
const tokenCharactersMax = 16_384;

export const registerExchange = (provider: Provider, deps: ExchangeDeps): void => {
  const keysOf = rememberedKeys();
  provider.registerGrantType(
    exchangeGrant,
    async (ctx, next) => {
      const { client } = ctx.oidc;
      if (client === undefined) throw new errors.InvalidClient();
      const [id, issuer] = issuerOf(deps.policy, client, subjectTokenIn(ctx));
      ctx.oidc.entity('TokenIssuer', id);
      const claims = await verified(subjectTokenIn(ctx), issuer, keysOf(issuer)).catch((error: unknown) => {
        throw error instanceof KeysAway ? keysAway(id, error) : error;
      });
      const person = await personOf(deps, issuer, claims);
      const authenticatedAt = authTimeOf(issuer, claims);
      ctx.body = await issue(ctx, deps, { client, person, until: claims.exp ?? 0, authenticatedAt });
      await next();
    },
    parameters,
  );
};

const subjectTokenIn = (ctx: KoaContextWithOIDC): string => {
  const { params = {} } = ctx.oidc;
  const { subject_token: token, subject_token_type: type, requested_token_type: wanted } = params;
  if (typeof token !== 'string' || token.length > tokenCharactersMax)
    throw new errors.InvalidRequest('subject_token is required: a JWT of the issuer');
  if (typeof type !== 'string' || !jwtTypes.has(type))
    throw new errors.InvalidRequest('subject_token_type must be that of a JWT');
  if (wanted !== undefined && wanted !== accessTokenType)
    throw new errors.InvalidRequest('only an access token can be requested');
  return token;
};

/** Which issuer it claims to be of; whether it is, the signature tells. */
const issuerOf = (policy: PolicyInForce, client: Client, token: string): readonly [string, TokenIssuer] => {
  let iss: unknown;
  try {
    ({ iss } = decodeJwt(token));
  } catch {
    throw new errors.InvalidRequest('subject_token is not a JWT');
  }
  const found = Object.entries(policy.current().policy.tokenIssuers).find(
    ([, { issuer, tools }]) => issuer === iss && tools.includes(client.clientId),
  );
  if (found === undefined)
    throw new errors.InvalidGrant('the issuer of the token is not trusted for this tool');
  return found;
};

const verified = async (token: string, issuer: TokenIssuer, keys: JWTVerifyGetKey): Promise<JWTPayload> => {
  try {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: issuer.issuer,
      audience: issuer.audience,
      algorithms,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp', 'iat', issuer.nameIdClaim],
    });
    requirePresentable(protectedHeader.typ, payload.iat ?? 0);
    return payload;
  } catch (error) {
    if (error instanceof KeysAway) throw error;
    // jose's messages name the check that failed, and nothing of the token.
    throw new errors.InvalidGrant(
      `the token was refused: ${error instanceof Error ? error.message : 'unknown'}`,
    );
  }
};

/** Other kinds of JWT, of the same issuer and signed with the same key, say something else than who somebody is. */
const types = /^(application\/)?(jwt|at\+jwt|id_token\+jwt)$/i;

const requirePresentable = (typ: string | undefined, issuedAt: number): void => {
  if (typ !== undefined && !types.test(typ))
    throw new Error('its "typ" is not that of an ID or access token');
  if (issuedAt > Date.now() / 1_000 + clockToleranceSeconds) throw new Error('"iat" is in the future');
};

/** Nothing is wrong with the token: whoever brought it may bring it again. */
const keysAway = (id: string, cause: KeysAway): errors.OIDCProviderError => {
  const told = `the keys of the issuer "${id}" cannot be read just now: try again, or look at its jwksUri`;
  const error = new errors.CustomOIDCProviderError('temporarily_unavailable', told);
  return Object.assign(error, { status: 503, statusCode: 503, cause });
};

const personOf = async (deps: ExchangeDeps, issuer: TokenIssuer, claims: JWTPayload): Promise<Person> => {
  const nameId = claims[issuer.nameIdClaim];
  const entityId = deps.entityIdOf(issuer.provider);
  if (typeof nameId !== 'string' || nameId === '' || entityId === undefined)
    throw new errors.InvalidGrant('the token names nobody of the configured identity provider');
  const person = await deps.people.find(deps.people.idOf(entityId, nameId));
  if (person?.active !== true)
    throw new errors.InvalidGrant('the person has never signed in here, or may not any more');
  return person;
};

interface Issue {
  readonly client: Client;
  readonly person: Person;
  /** Seconds since 1970: ours ends no later than the one it was given for. */
  readonly until: number;
  readonly authenticatedAt: Date | undefined;
}

/** When its issuer says that the person proved who they are; never later than now. */
const authTimeOf = ({ trustAuthTime }: TokenIssuer, { auth_time: seconds }: JWTPayload): Date | undefined =>
  trustAuthTime === true && typeof seconds === 'number'
    ? new Date(Math.min(seconds * 1_000, Date.now()))
    : undefined;

const issue = async (ctx: KoaContextWithOIDC, deps: ExchangeDeps, issued: Issue) => {
  const { client, person, until, authenticatedAt } = issued;
  const { provider, params = {} } = ctx.oidc;
  if (params.resource !== undefined && params.resource !== deps.resource)
    throw new errors.InvalidTarget(`the only resource is ${deps.resource}`);
  const { scope } = deps.resourceServerFor(ctx, client);
  const grant = new provider.Grant({ clientId: client.clientId, accountId: person.id });
  grant.addResourceScope(deps.resource, scope);
  const grantId = await grant.save();
  if (authenticatedAt !== undefined) await deps.grants.bind(grantId, { authenticatedAt });
  const token = new provider.AccessToken({
    accountId: person.id,
    client,
    grantId,
    gty: 'token_exchange',
    scope,
    claims: {},
    expiresWithSession: false,
    sessionUid: '',
    sid: '',
  } as unknown as ConstructorParameters<typeof provider.AccessToken>[0]);
  const lifeSeconds = Math.min(accessTokenSeconds, Math.floor(until - Date.now() / 1_000));
  if (lifeSeconds <= 0) throw new errors.InvalidGrant('the token is about to expire');
  Object.assign(token, { aud: deps.resource, expiresIn: lifeSeconds });
  const account = await deps.grants.findAccount(ctx, person.id);
  ctx.oidc.entity('Account', account);
  ctx.oidc.entity('AccessToken', token);
  return {
    access_token: await token.save(),
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    expires_in: lifeSeconds,
    scope,
  };
};
