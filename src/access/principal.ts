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
  readonly sessionId?: string;
}

/** A permission set over grants with wildcards; `scope` narrows it (the tool's scope). */
export const permissions = (grants: readonly string[], scope: readonly string[] = ['*']): Permissions => {
  const granted = matcher(grants);
  const scoped = matcher(scope);
  return { grants, has: (permission) => granted(permission) && scoped(permission) };
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
