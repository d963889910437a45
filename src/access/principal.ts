/**
 * Who acts, with what, and what they may do. A principal's permissions are already the effective ones
 * (a person's roles ∩ the tool's scope, or a service's grants), so that nobody downstream has to
 * intersect anything.
 */
import type { ActorKind } from '../events/envelope.ts';

/** `accounts:suspend`; a grant may end in `*` (`accounts:*`) or be `*`. */
export interface Permissions {
  /** The grants as written in the policy, for display. */
  readonly grants: readonly string[];
  has(permission: string): boolean;
}

export interface Principal {
  /** Opaque and stable, never an e-mail address: `person:<hash>`, `service:<tool>`, `system`. */
  readonly id: string;
  readonly kind: ActorKind;
  readonly email?: string;
  readonly name?: string;
  readonly roles: readonly string[];
  readonly permissions: Permissions;
  /** The tool the request came through: `console` for the session cookie, else the OIDC client's id. */
  readonly tool: string;
  /** What a token is limited to within its tool's scope; absent with a session cookie. */
  readonly scope?: readonly string[];
  /** The session, or the grant that the person gave the tool. */
  readonly sessionId?: string;
}

/** A permission set over grants with wildcards; `scope` narrows it (the tool's scope). */
export const permissions = (grants: readonly string[], scope: readonly string[] = ['*']): Permissions => {
  const granted = matcher(grants);
  const scoped = matcher(scope);
  return { grants, has: (permission) => granted(permission) && scoped(permission) };
};

/** The grants that both sides give: of two patterns one holds the other, or they have nothing in common. */
export const common = (one: readonly string[], other: readonly string[]): readonly string[] => {
  const inOne = matcher(one);
  const inOther = matcher(other);
  return [...new Set([...one.filter(inOther), ...other.filter(inOne)])];
};

const matcher = (grants: readonly string[]): ((permission: string) => boolean) => {
  const exact = new Set(grants);
  const prefixes = grants.filter((g) => g.endsWith(':*')).map((g) => g.slice(0, -1));
  if (exact.has('*')) return () => true;
  return (permission) => exact.has(permission) || prefixes.some((prefix) => permission.startsWith(prefix));
};

/** The engine itself: migrations, schedules, the demo import's own steps. Holds every permission. */
export const systemPrincipal: Principal = {
  id: 'system',
  kind: 'system',
  roles: [],
  permissions: permissions(['*']),
  tool: 'quarterdeck',
};
