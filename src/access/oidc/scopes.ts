/**
 * Scopes: what a tool asks for, within what the policy lets it have. A scope is a permission as the
 * policy writes it (`accounts:read`, `accounts:*`) or one of the few that are about the person. Whoever
 * asks for no permission at all gets the whole of the tool's scope.
 */
import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import { permissions } from '../principal.ts';

/** About the person, in the ID token. `offline_access` is not needed and does nothing. */
export const personScopes = ['openid', 'profile', 'email', 'offline_access'] as const;

const isAboutPerson = (scope: string): boolean => (personScopes as readonly string[]).includes(scope);

/**
 * The permissions that a tool whose scope is `granted` gets when it asks for `asked`.
 * @throws InvalidScope where it asks for more
 */
export const grantedOf = (granted: readonly string[], asked: readonly string[]): readonly string[] => {
  const wanted = [...new Set(asked.filter((one) => !isAboutPerson(one)))];
  const { has } = permissions(granted);
  const beyond = wanted.filter((one) => !has(one));
  if (beyond.length > 0) throw new errors.InvalidScope('the tool does not reach that far', beyond.join(' '));
  return wanted.length > 0 ? wanted : [...new Set(granted)];
};

const words = (text: unknown): readonly string[] =>
  typeof text === 'string' ? text.split(' ').filter((word) => word !== '') : [];

export const accessTokenSeconds = 10 * 60;

/**
 * Our API as oidc-provider's resource server. Asked at each step of a flow; on the way it writes into the
 * request what a tool that asked for no permission gets, because oidc-provider grants only what was asked.
 */
export const resourceServerOf = (
  ctx: KoaContextWithOIDC,
  audience: string,
  granted: readonly string[],
): ResourceServer => {
  const { params = {}, entities } = ctx.oidc;
  const before = entities.RefreshToken ?? entities.AuthorizationCode ?? entities.DeviceCode;
  const asked = words(params.scope ?? before?.scope);
  // What was given before stays given; the policy in force is asked again at each use of the token.
  const scope = before === undefined ? grantedOf(granted, asked) : asked.filter((one) => !isAboutPerson(one));
  if (before === undefined) params.scope = [...new Set([...asked, ...scope])].join(' ');
  return {
    scope: scope.join(' '),
    audience,
    accessTokenTTL: accessTokenSeconds,
    accessTokenFormat: 'opaque',
  };
};
