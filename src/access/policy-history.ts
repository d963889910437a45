/**
 * The policy in force at any moment, read back from the log with who put it in force and what it changed.
 */
import { notPermitted, QuarterdeckError } from '../errors.ts';
import { positionOf } from '../events/asked-moment.ts';
import type { ActorRef, Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { PolicyApplied, policyStream } from './engine-events.ts';
import type { Origin } from './origin.ts';
import type { Policy } from './policy.ts';
import type { Clock } from './ports.ts';
import { timestampOf } from './recorder.ts';

export interface PolicyThen {
  /** Version of `$policy`, and the position at which it came into force. */
  readonly version: number;
  readonly position: number;
  readonly appliedAt: Timestamp;
  readonly appliedBy: ActorRef & { readonly email?: string; readonly name?: string };
  readonly policy: Policy;
  /** JSON Patch (RFC 6902) from the policy before. */
  readonly diff: readonly object[];
}

export interface PolicyHistory {
  /**
   * `at`: a position or a time (ISO 8601 with zone); now without it.
   * @throws QuarterdeckError not_permitted (`policy:read`), invalid_input, not_found where none was in force.
   */
  read(request: Origin & { readonly at?: string }): Promise<PolicyThen>;
}

interface Deps {
  readonly log: Pick<EventLog, 'readStreams' | 'head' | 'positionAt'>;
  readonly clock: Clock;
}

const permission = 'policy:read';

export const createPolicyHistory = ({ log, clock }: Deps): PolicyHistory => ({
  async read({ principal, at }) {
    if (!principal.permissions.has(permission)) throw notPermitted(permission);
    const upTo =
      at === undefined ? undefined : await positionOf('at', at, { log, clock: () => timestampOf(clock()) });
    const events = await log.readStreams([policyStream], upTo);
    const last = events.findLast(({ type }) => type === PolicyApplied.type);
    if (last === undefined) throw new QuarterdeckError('not_found', 'No policy was in force at that moment.');
    const { actor, email, name } = last.metadata;
    const person = { ...(email === undefined ? {} : { email }), ...(name === undefined ? {} : { name }) };
    return {
      version: last.version,
      position: last.position,
      appliedAt: last.recordedAt,
      appliedBy: { ...actor, ...person },
      policy: last.data.policy as Policy,
      diff: last.data.diff as readonly object[],
    };
  },
});
