/**
 * The policy in force: the state of stream `$policy`. A file is only a proposal; applying it appends
 * `PolicyApplied` when it says something new, with author and diff, so that the policy at any position
 * can be read back. Two processes that apply the same proposal at once record it once. Other processes
 * follow by notification and, should one get lost, by looking every few seconds.
 */
import { isDeepStrictEqual } from 'node:util';
import { createPatch, type Operation } from 'rfc6902';
import type { Db } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import type { EventLog } from '../events/log.ts';
import { PolicyApplied, policyStream } from './engine-events.ts';
import { nobodyMayDoAnything, type Policy, policySchema } from './policy.ts';
import type { Recorder, Who } from './recorder.ts';
import { notifyPolicy } from './sql/notifications.ts';

export interface InForce {
  readonly policy: Policy;
  /** The version of `$policy`; 0 before the first. */
  readonly version: number;
}

export interface PolicyInForce {
  current(): InForce;
  /** Reads the log; called at start and when another process may have applied a policy. */
  refresh(): Promise<InForce>;
  /** Whether it said anything new. */
  apply(proposal: Policy, who: Who): Promise<boolean>;
  /** The JSON Patch that applying it would record; empty where it says nothing new. */
  preview(proposal: Policy): Promise<{ readonly base: InForce; readonly diff: readonly Operation[] }>;
}

interface Deps {
  readonly log: Pick<EventLog, 'append' | 'readStreams'>;
  readonly pool: Db;
  readonly recorder: Recorder;
}

const attemptsMax = 5;

export const createPolicyInForce = ({ log, pool, recorder }: Deps): PolicyInForce => {
  let inForce: InForce = { policy: nobodyMayDoAnything, version: 0 };

  const refresh = async (): Promise<InForce> => {
    const last = (await log.readStreams([policyStream])).findLast(({ type }) => type === PolicyApplied.type);
    if (last !== undefined && last.version > inForce.version) {
      inForce = { policy: policySchema.parse(last.data.policy), version: last.version };
    }
    return inForce;
  };

  const appendOnto = async (base: InForce, policy: Policy, who: Who): Promise<boolean> => {
    const diff = createPatch(base.policy, policy).map((operation) => ({ ...operation }));
    const event = {
      stream: policyStream,
      ...PolicyApplied.of({ policy, diff }),
      metadata: recorder.metadata(who),
    };
    const outcome = await log.append({
      writes: [{ stream: policyStream, base: base.version }],
      reads: [],
      claims: [],
      releases: [],
      keys: [],
      events: [event],
    });
    return outcome.accepted;
  };

  const apply = async (proposal: Policy, who: Who): Promise<boolean> => {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const base = await refresh();
      if (base.version > 0 && isDeepStrictEqual(base.policy, proposal)) return false;
      if (await appendOnto(base, proposal, who)) {
        await refresh();
        await pool.query(notifyPolicy);
        return true;
      }
    }
    throw new QuarterdeckError('unavailable', 'The policy was changed by somebody else again and again.');
  };

  const preview: PolicyInForce['preview'] = async (proposal) => {
    const base = await refresh();
    return { base, diff: createPatch(base.policy, proposal) };
  };

  return { current: () => inForce, refresh, apply, preview };
};
