/**
 * People as principals: roles and permissions are taken from the policy in force each time somebody asks,
 * never stored with a session, so that a change of policy holds from the next request on.
 */
import { grantsOf, rolesOf, scopeOf } from './policy.ts';
import type { InForce, PolicyInForce } from './policy-in-force.ts';
import { type Principal, permissions } from './principal.ts';
import type { Session } from './sessions.ts';

export interface Somebody {
  readonly id: string;
  readonly provider: string;
  readonly groups: readonly string[];
  readonly tool: string;
  readonly sessionId?: string;
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

  const of = ({ id, provider, groups, tool, sessionId, email, name }: Somebody): Principal => {
    const { policy } = inForce.current();
    const roles = rolesOf(policy, provider, groups);
    return {
      id,
      kind: 'person',
      roles,
      permissions: permissions(grantsOf(policy, roles), scopeOf(policy, tool)),
      tool,
      ...(sessionId === undefined ? {} : { sessionId }),
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
