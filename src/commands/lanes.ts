/**
 * Lanes: one process decides the commands of one stream in turn. Those that wait while the one before
 * is being appended are decided together, each on the result of the one before it, and appended as one
 * unit, so that a hot stream refuses nobody and costs one commit for many commands.
 *
 * A conflict (another process wrote the stream, or one that was read) is nobody's fault: all are decided
 * again from a fresh load, a bounded number of times. A duplicate key or a claim that is taken concerns
 * one command, so then each goes on its own.
 */
import { QuarterdeckError } from '../errors.ts';
import type { EventLog, Loaded } from '../events/log.ts';
import type { Unit, UnitOutcome } from '../events/unit.ts';
import type { Ask, Deciding, StreamDecision, Verdict } from './deciding.ts';

const groupMax = 64;
const attemptsMax = 20;

/** Where in its unit a command's events begin, and where the stream's last event before them is, if in it. */
export interface Place {
  readonly firstEvent: number;
  readonly previousEvent: number | undefined;
}

/** What a verdict adds to the unit: the record of a refusal, an idempotency key. */
export type Complete = (verdict: Verdict, place: Place) => Partial<Pick<Unit, 'writes' | 'events' | 'keys'>>;

export type Settled =
  | { readonly verdict: Verdict; readonly positions: readonly number[]; readonly lastPosition: number }
  | { readonly duplicate: true }
  | { readonly claimed: string };

export interface Lanes {
  /** Decides and appends; `complete` says what else of this command belongs into the unit. */
  run(ask: Ask, complete: Complete): Promise<Settled>;
}

interface Waiting {
  readonly ask: Ask;
  readonly complete: Complete;
  readonly resolve: (settled: Settled) => void;
  readonly reject: (error: unknown) => void;
}

interface Built {
  readonly unit: Unit;
  /** For each ask, the indexes of its own events within the unit. */
  readonly eventsOf: readonly (readonly number[])[];
}

const build = (decision: StreamDecision, group: readonly Waiting[]): Built => {
  const unit = {
    ...decision.unit,
    writes: [...decision.unit.writes],
    events: [] as Unit['events'][number][],
    keys: [] as Unit['keys'][number][],
  };
  let previousEvent: number | undefined;
  const eventsOf = decision.verdicts.map((verdict, i) => {
    const first = unit.events.length;
    unit.events.push(...verdict.events);
    const more = (group[i] as Waiting).complete(verdict, { firstEvent: first, previousEvent });
    if (verdict.events.length > 0) previousEvent = first + verdict.events.length - 1;
    unit.events.push(...(more.events ?? []));
    unit.keys.push(...(more.keys ?? []));
    for (const write of more.writes ?? [])
      if (!unit.writes.some((w) => w.stream === write.stream)) unit.writes.push(write);
    return verdict.events.map((_, n) => first + n);
  });
  return { unit, eventsOf };
};

export const createLanes = (log: Pick<EventLog, 'append' | 'load'>, deciding: Deciding): Lanes => {
  const lanes = new Map<string, Waiting[]>();

  /** @returns the refusal that concerns single commands, or undefined when all have settled. */
  const attempt = async (
    group: readonly Waiting[],
    known: Loaded<object> | undefined,
  ): Promise<{ after: Loaded<object> } | { refused: Exclude<UnitOutcome, { accepted: true }> }> => {
    const seed = known === undefined ? undefined : new Map([[known.stream, known]]);
    const [decision] = await deciding.decideAll(
      group.map((w) => w.ask),
      seed,
    );
    if (decision === undefined) throw new Error('a lane decided nothing');
    const { unit, eventsOf } = build(decision, group);
    const outcome = await log.append(unit);
    if (!outcome.accepted) return { refused: outcome };
    let lastPosition = 0;
    decision.verdicts.forEach((verdict, i) => {
      const positions = (eventsOf[i] ?? []).map((n) => outcome.events[n]?.position ?? 0);
      lastPosition = positions.at(-1) ?? (lastPosition > 0 ? lastPosition : verdict.position);
      group[i]?.resolve({ verdict, positions, lastPosition });
    });
    return { after: { ...decision.after, position: lastPosition } };
  };

  const settle = async (
    group: readonly Waiting[],
    known: Loaded<object> | undefined,
  ): Promise<Loaded<object> | undefined> => {
    let seed = known;
    for (let n = 0; n < attemptsMax; n++) {
      const result = await attempt(group, seed);
      if ('after' in result) return result.after;
      const { refused } = result;
      seed = undefined;
      if (refused.cause === 'conflict') continue;
      if (group.length === 1) {
        group[0]?.resolve(refused.cause === 'duplicate' ? { duplicate: true } : { claimed: refused.code });
        return undefined;
      }
      for (const one of group) await settleOrReject([one], undefined);
      return undefined;
    }
    throw new QuarterdeckError(
      'unavailable',
      'Others keep changing what this command is about; it was not carried out.',
      {
        retryAfterSeconds: 1,
      },
    );
  };

  const settleOrReject = async (group: readonly Waiting[], known: Loaded<object> | undefined) => {
    try {
      return await settle(group, known);
    } catch (error) {
      // One command whose decider throws must not take the others of its lane with it.
      if (group.length > 1 && !(error instanceof QuarterdeckError)) {
        for (const one of group) await settleOrReject([one], undefined);
      } else for (const { reject } of group) reject(error);
      return undefined;
    }
  };

  const drive = async (stream: string, queue: Waiting[]): Promise<void> => {
    let known: Loaded<object> | undefined;
    while (queue.length > 0) known = await settleOrReject(queue.splice(0, groupMax), known);
    lanes.delete(stream);
  };

  return {
    run: (ask, complete) =>
      new Promise((resolve, reject) => {
        const stream = ask.command.stream.of(ask.command.id(ask.input));
        const waiting = { ask, complete, resolve, reject };
        const queue = lanes.get(stream);
        if (queue !== undefined) {
          queue.push(waiting);
          return;
        }
        const fresh = [waiting];
        lanes.set(stream, fresh);
        void drive(stream, fresh);
      }),
  };
};
