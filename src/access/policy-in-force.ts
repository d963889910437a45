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
  /**
   * As `apply`, by a start: not where the start before proposed the very same, which `digest` tells. `kept`: another
   * one was applied since and stays in force.
   */
  propose(proposal: Policy, digest: string, who: Who): Promise<'applied' | 'unchanged' | 'kept'>;
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

  const applied = async () =>
    (await log.readStreams([policyStream])).filter(({ type }) => type === PolicyApplied.type);

  const refresh = async (): Promise<InForce> => {
    const last = (await applied()).at(-1);
    if (last !== undefined && last.version > inForce.version) {
      inForce = { policy: policySchema.parse(last.data.policy), version: last.version };
    }
    return inForce;
  };

  const appendOnto = async (base: InForce, policy: Policy, who: Who, proposed?: string): Promise<boolean> => {
    const diff = createPatch(base.policy, policy).map((operation) => ({ ...operation }));
    const event = {
      stream: policyStream,
      ...PolicyApplied.of({ policy, diff, ...(proposed === undefined ? {} : { proposed }) }),
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

  const says = ({ policy, version }: InForce, proposal: Policy): boolean =>
    version > 0 && isDeepStrictEqual(policy, proposal);

  /** `attempt` is undefined where somebody else came between. */
  const untilDone = async <T>(attempt: (base: InForce) => Promise<T | undefined>): Promise<T> => {
    for (let n = 0; n < attemptsMax; n++) {
      const done = await attempt(await refresh());
      if (done !== undefined) return done;
    }
    throw new QuarterdeckError('unavailable', 'The policy was changed by somebody else again and again.');
  };

  const append = async (...given: Parameters<typeof appendOnto>): Promise<true | undefined> => {
    if (!(await appendOnto(...given))) return undefined;
    await refresh();
    await pool.query(notifyPolicy);
    return true;
  };

  const apply = (proposal: Policy, who: Who): Promise<boolean> =>
    untilDone(async (base) => (says(base, proposal) ? false : append(base, proposal, who)));

  /** Also where it changes nothing it is noted which file it was: the next start asks whether it is another. */
  const propose: PolicyInForce['propose'] = (proposal, digest, who) =>
    untilDone(async (base) => {
      const before = (await applied()).findLast(({ data }) => data.proposed !== undefined)?.data.proposed;
      if (before === digest) return says(base, proposal) ? 'unchanged' : 'kept';
      const same = says(base, proposal);
      if ((await append(base, proposal, who, digest)) === undefined) return undefined;
      return same ? 'unchanged' : 'applied';
    });

  const preview: PolicyInForce['preview'] = async (proposal) => {
    const base = await refresh();
    return { base, diff: createPatch(base.policy, proposal) };
  };

  return { current: () => inForce, refresh, apply, propose, preview };
};
