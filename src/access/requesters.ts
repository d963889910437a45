/**
 * Whom work acts as that goes on after its request: a chunk of a bulk job asks here, each time anew. The
 * tool's scope is as it was when the work was accepted; person, groups and roles are as they are now.
 */
import type { ActorKind } from '../events/envelope.ts';
import type { People } from './people.ts';
import { scopeOf } from './policy.ts';
import type { PolicyInForce } from './policy-in-force.ts';
import { type Principal, systemPrincipal } from './principal.ts';
import type { Principals } from './principals.ts';

export interface FrozenRequester {
  readonly id: string;
  readonly kind: ActorKind;
  readonly tool: string;
  /** Grants of the tool at acceptance; null: nothing narrows. */
  readonly scope: readonly string[] | null;
}

export interface Requesters {
  /** What of a principal is kept with the work. */
  scopeOf(principal: Principal): readonly string[] | null;
  /** undefined where they are unknown or may not sign in any more. */
  principalOf(requester: FrozenRequester): Promise<Principal | undefined>;
}

interface Deps {
  readonly policy: PolicyInForce;
  readonly people: Pick<People, 'find'>;
  readonly principals: Principals;
}

export const createRequesters = ({ policy, people, principals }: Deps): Requesters => ({
  scopeOf: ({ kind, tool }) => (kind === 'system' ? null : scopeOf(policy.current().policy, tool)),
  principalOf: async ({ id, kind, tool, scope }) => {
    if (kind === 'system') return id === systemPrincipal.id ? systemPrincipal : undefined;
    const person = kind === 'person' ? await people.find(id) : undefined;
    return person?.active === true ? principals.of({ ...person, tool, scope: scope ?? ['*'] }) : undefined;
  },
});
