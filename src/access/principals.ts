/**
 * People and services as principals: roles and permissions are taken from the policy in force each time somebody asks,
 * never stored with a session, so that a change of policy holds from the next request on.
 */
import type { AccessToken } from './oidc/access-tokens.ts';
import { toolOf } from './oidc/clients.ts';
import { type Policy, rolesOf, scopeOf } from './policy.ts';
import type { InForce, PolicyInForce } from './policy-in-force.ts';
import { type Attributes, both, common, type Principal, serviceId, within } from './principal.ts';
import { permissionsOfRoles, permissionsOfService } from './role-permissions.ts';
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
  /** Whom the token stands for, limited to its scope; undefined where its tool is none any more. */
  ofToken(token: AccessToken): Principal | undefined;
  /** A service by its tool's grants; undefined where the policy knows no such service. */
  ofService(tool: string): Principal | undefined;
}

const serviceOf = (policy: Policy, tool: string) => {
  const found = toolOf(policy, tool);
  return found?.kind === 'service' ? found : undefined;
};

/** Principals under the policy in force; one a session and policy, because commands ask very often. */
export const createPrincipals = (inForce: PolicyInForce): Principals => {
  const known = new WeakMap<Session, { readonly under: InForce; readonly principal: Principal }>();
  const knownTokens = new WeakMap<AccessToken, { readonly under: InForce; readonly principal: Principal }>();

  const of = (somebody: Somebody): Principal => {
    const { id, provider, groups, attributes, tool, sessionId, email, name, authenticatedAt } = somebody;
    const { policy } = inForce.current();
    const roles = rolesOf(policy, provider, groups);
    const granted = permissionsOfRoles(policy, roles, attributes, scopeOf(policy, tool));
    // By an exchanged token: a service that is narrowed reaches no further as somebody than as itself.
    const service = serviceOf(policy, tool);
    return {
      id,
      kind: 'person',
      roles,
      attributes,
      permissions: service === undefined ? granted : both(granted, permissionsOfService(service)),
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

  const ofService = (tool: string): Principal | undefined => {
    const { policy } = inForce.current();
    const service = serviceOf(policy, tool);
    if (service === undefined) return undefined;
    const granted = permissionsOfService(service);
    return { id: serviceId(tool), kind: 'service', roles: [], permissions: granted, tool };
  };

  const madeOf = ({ person, tool, scope, grantId }: AccessToken): Principal | undefined => {
    const { policy } = inForce.current();
    if (toolOf(policy, tool) === undefined) return undefined;
    const whole = person === undefined ? ofService(tool) : of({ ...person, tool });
    if (whole === undefined) return undefined;
    const grants = common(common(whole.permissions.grants, scopeOf(policy, tool)), scope);
    return {
      ...whole,
      scope,
      permissions: { ...within(whole.permissions, scope), grants },
      ...(grantId === undefined ? {} : { sessionId: grantId }),
    };
  };

  const ofToken = (token: AccessToken): Principal | undefined => {
    const under = inForce.current();
    const last = knownTokens.get(token);
    if (last?.under === under) return last.principal;
    const principal = madeOf(token);
    if (principal !== undefined) knownTokens.set(token, { under, principal });
    return principal;
  };

  return { of, ofSession, ofToken, ofService };
};
