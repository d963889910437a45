/**
 * Whom bulk work acts as: the person as the policy sees them now, narrowed by what the tool was allowed
 * when the job was accepted, or by its token. Between access and workers, which do not know each other.
 */
import type { Access } from './access/access.ts';
import { scopeOf } from './access/policy.ts';
import { systemPrincipal, within } from './access/principal.ts';
import type { Requesters } from './workers/index.ts';

export const requestersOf = (access: Access): Requesters => ({
  scopeOf: ({ kind, tool, scope }) =>
    kind === 'system' ? null : (scope ?? scopeOf(access.policy.current().policy, tool)),
  principalOf: async ({ id, kind, tool, scope }) => {
    if (kind === 'system') return id === systemPrincipal.id ? systemPrincipal : undefined;
    const principal = await access.principalOf(id, tool);
    return principal === undefined || scope === null
      ? principal
      : { ...principal, permissions: within(principal.permissions, scope) };
  },
});
