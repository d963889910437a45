/**
 * People as principals: roles and permissions are taken from the policy in force each time somebody asks,
 * never stored with a session, so that a change of policy holds from the next request on.
 */
import { rolesOf, scopeOf } from './policy.ts';
import type { InForce, PolicyInForce } from './policy-in-force.ts';
import type { Attributes, Principal } from './principal.ts';
import { permissionsOfRoles } from './role-permissions.ts';
import type { Session } from './sessions.ts';

export interface Somebody {
  readonly id: string;
  readonly provider: string;
  readonly groups: readonly string[];
  readonly attributes: Attributes;
  readonly tool: string;
  readonly sessionId?: string;
  readonly authenticatedAt?: number;
  readonly email?: string;
  readonly name?: string;
}

export interface Principals {
  of(somebody: Somebody): Principal;
  ofSession(session: Session): Principal;
}

/** Principals under the policy in force; one a session and policy, because commands ask very often. */
export const createPrincipals = (inForce: PolicyInForce): Principals => {
  const known = new WeakMap<Session, { readonly under: InForce; readonly principal: Principal }>();

  const of = (somebody: Somebody): Principal => {
    const { id, provider, groups, attributes, tool, sessionId, email, name, authenticatedAt } = somebody;
    const { policy } = inForce.current();
    const roles = rolesOf(policy, provider, groups);
    return {
      id,
      kind: 'person',
      roles,
      attributes,
      permissions: permissionsOfRoles(policy, roles, attributes, scopeOf(policy, tool)),
      tool,
      ...(sessionId === undefined ? {} : { sessionId }),
      ...(authenticatedAt === undefined ? {} : { authenticatedAt }),
      ...(email === undefined ? {} : { email }),
      ...(name === undefined ? {} : { name }),
    };
  };

  const ofSession = (session: Session): Principal => {
    const under = inForce.current();
    const last = known.get(session);
    if (last?.under === under) return last.principal;
    const principal = of({ ...session, id: session.personId, sessionId: session.id });
    known.set(session, { under, principal });
    return principal;
  };

  return { of, ofSession };
};
