/**
 * Lanes: one process decides the commands of one stream in turn. Those that wait while the one before
 * is being appended are decided together, each on the result of the one before it, and appended as one
 * unit, so that a hot stream refuses nobody and costs one commit for many commands.
 *
 * A conflict (another process wrote the stream, or one that was read) is nobody's fault: all are decided
 * again from a fresh load. After a few conflicts they are decided while the append lock is held, since
 * whoever keeps writing a stream that this one only reads would win every time: nobody is refused.
 *
 * What concerns one command is that command's alone: a duplicate key is taken out of the group, and where
 * a claim is taken, a decider throws or an event cannot be stored, each goes on its own, so that nobody
 * answers for another's fault.
 */
import { QuarterdeckError } from '../errors.ts';
import type { Alongside, EventLog, Loaded } from '../events/log.ts';
import type { KeyUse, Unit, UnitOutcome } from '../events/unit.ts';
import type { Ask, Deciding, StreamDecision, Verdict } from './deciding.ts';
import { createRecentStates } from './recent-states.ts';

const groupMax = 64;
/** Conflicts after which a command is decided while the append lock is held. */
const conflictsMax = 5;
/** Waiting for one stream, in this process. */
const waitingMax = 10_000;

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
  readonly keysOf: readonly (readonly KeyUse[])[];
}

type Decided = Built & { readonly decision: StreamDecision };
type Appending = (
  decide: () => Promise<Decided>,
  alongside: Alongside | undefined,
) => Promise<Decided & { readonly outcome: UnitOutcome }>;
type Refused = Exclude<UnitOutcome, { accepted: true }>;

const build = (decision: StreamDecision, group: readonly Waiting[]): Built => {
  const unit = {
    ...decision.unit,
    writes: [...decision.unit.writes],
    events: [] as Unit['events'][number][],
    keys: [] as Unit['keys'][number][],
  };
  const keysOf: (readonly KeyUse[])[] = [];
  let previousEvent: number | undefined;
  const eventsOf = decision.verdicts.map((verdict, i) => {
    const first = unit.events.length;
    unit.events.push(...verdict.events);
    const more = (group[i] as Waiting).complete(verdict, { firstEvent: first, previousEvent });
    if (verdict.events.length > 0) previousEvent = first + verdict.events.length - 1;
    unit.events.push(...(more.events ?? []));
    unit.keys.push(...(more.keys ?? []));
    keysOf.push(more.keys ?? []);
    for (const write of more.writes ?? [])
      if (!unit.writes.some((w) => w.stream === write.stream)) unit.writes.push(write);
    return verdict.events.map((_, n) => first + n);
  });
  return { unit, eventsOf, keysOf };
};

const streamOf = (waiting: Waiting | undefined): string =>
  waiting === undefined ? '' : waiting.ask.command.stream.of(waiting.ask.command.id(waiting.ask.input));

const viewOf = (waiting: Waiting | undefined): string => waiting?.ask.command.stream.name ?? '';

/** Those in front that look at the stream by the same view. */
const takeGroup = (queue: Waiting[]): Waiting[] => {
  const view = viewOf(queue[0]);
  const others = queue.findIndex((waiting) => viewOf(waiting) !== view);
  return queue.splice(0, Math.min(others === -1 ? queue.length : others, groupMax));
};

const isUnavailable = (error: unknown): boolean =>
  error instanceof QuarterdeckError && error.code === 'unavailable';

const tooManyWaiting = (): QuarterdeckError =>
  new QuarterdeckError('unavailable', 'Too many commands wait for this one stream.', {
    retryAfterSeconds: 1,
  });

/** What is to be done in the transaction in which these commands are appended; undefined: nothing. */
export type AlongsideOf = (commands: readonly string[]) => Alongside | undefined;

export const createLanes = (
  log: Pick<EventLog, 'append' | 'appendDecided'>,
  deciding: Deciding,
  alongsideOf: AlongsideOf = () => undefined,
  onForgotten: (listener: () => void) => void = () => undefined,
): Lanes => {
  const lanes = new Map<string, Waiting[]>();
  const states = createRecentStates();
  // They may hold what the key of somebody who was erased had opened.
  onForgotten(states.clear);
  let peace: Promise<unknown> = Promise.resolve();

  /** What has something to do beside has a transaction of its own. */
  const inBatch: Appending = async (decide, alongside) => {
    const decided = await decide();
    const { unit } = decided;
    const outcome =
      alongside === undefined || unit.events.length === 0
        ? await log.append(unit)
        : await log.appendDecided(async () => unit, alongside);
    return { outcome, ...decided };
  };

  /** While the append lock is held: of many in this process, one at a time. */
  const inPeace: Appending = (decide, alongside) => {
    const turn = peace.then(async () => {
      const last: Decided[] = [];
      const outcome = await log.appendDecided(async () => {
        last[0] = await decide();
        return last[0].unit;
      }, alongside);
      return { outcome, ...(last[0] as Decided) };
    });
    peace = turn.catch(() => undefined);
    return turn;
  };

  /** All have settled, or the unit was refused. */
  const attempt = async (
    group: readonly Waiting[],
    known: Loaded<object> | undefined,
    alone: boolean,
  ): Promise<{ after: Loaded<object> } | { refused: Refused; keysOf: Built['keysOf'] }> => {
    const seed = known === undefined ? undefined : new Map([[known.stream, known]]);
    const decide = async () => {
      const asks = group.map((w) => w.ask);
      const [decision] = await deciding.decideAll(asks, seed);
      if (decision === undefined) throw new Error('a lane decided nothing');
      return { decision, ...build(decision, group) };
    };
    const { outcome, decision, eventsOf, keysOf } = await (alone ? inPeace : inBatch)(
      decide,
      alongsideOf(group.map(({ ask }) => ask.command.name)),
    );
    if (!outcome.accepted) return { refused: outcome, keysOf };
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
    for (let n = 0; n <= conflictsMax; n++) {
      const result = await attempt(group, seed, n === conflictsMax);
      if ('after' in result) return result.after;
      const { refused, keysOf } = result;
      seed = undefined;
      if (refused.cause === 'duplicate') {
        const repeated = keysOf.findIndex((keys) => keys.some(({ key }) => key.equals(refused.key)));
        group[repeated]?.resolve({ duplicate: true });
        const others = group.filter((_, i) => i !== repeated);
        return others.length === 0 ? undefined : settleOrReject(others, undefined);
      }
      if (refused.cause === 'claimed') {
        if (group.length === 1) group[0]?.resolve({ claimed: refused.code });
        else await settleEach(group);
        return undefined;
      }
    }
    throw new Error('a unit decided under the append lock met a conflict');
  };

  const settleEach = async (group: readonly Waiting[]): Promise<void> => {
    for (const one of group) await settleOrReject([one], undefined);
  };

  const settleOrReject = async (group: readonly Waiting[], known: Loaded<object> | undefined) => {
    try {
      return await settle(group, known);
    } catch (error) {
      if (group.length > 1 && !isUnavailable(error)) await settleEach(group);
      else for (const { reject } of group) reject(error);
      return undefined;
    }
  };

  const drive = async (stream: string, queue: Waiting[]): Promise<void> => {
    let recent = states.take(stream);
    while (queue.length > 0) {
      const group = takeGroup(queue);
      const view = viewOf(group[0]);
      const { loaded: known, since = performance.now() } = recent?.view === view ? recent : {};
      const loaded = await settleOrReject(group, known);
      recent = loaded && { view, loaded, since };
    }
    if (recent !== undefined) states.put(stream, recent);
    lanes.delete(stream);
  };

  return {
    run: (ask, complete) =>
      new Promise((resolve, reject) => {
        const waiting = { ask, complete, resolve, reject };
        const stream = streamOf(waiting);
        const queue = lanes.get(stream);
        if (queue !== undefined) {
          if (queue.length >= waitingMax) throw tooManyWaiting();
          queue.push(waiting);
          return;
        }
        const fresh = [waiting];
        lanes.set(stream, fresh);
        void drive(stream, fresh);
      }),
  };
};
