/**
 * Decides commands in memory: one grouped load for all their streams, then each stream's commands in
 * the order given on its evolving state. What was decided on each other's result forms one unit, whose
 * conditions are the versions everything was decided on. Nothing is written here.
 */
import type { Rows } from '../access/principal.ts';
import type { EventData } from '../events/definition.ts';
import type { ActorRef, Metadata, Timestamp } from '../events/envelope.ts';
import type { EventLog, Loaded, LoadRequest } from '../events/log.ts';
import type { Unit, UnitEvent } from '../events/unit.ts';
import {
  type CommandContext,
  type CommandDefinition,
  isRejection,
  type Rejection,
  reject,
} from './definition.ts';
import {
  createReaching,
  nothingIsReached,
  nothingThere,
  outOfReach,
  type Reaching,
  type RowJudging,
} from './reaching.ts';
import { createShelf, type Shelf } from './shelf.ts';
import type { StreamDefinition } from './stream.ts';

/** A command to decide; its input is validated and its principal may run it. */
export interface Ask {
  readonly command: CommandDefinition;
  readonly input: EventData;
  readonly metadata: Metadata;
  readonly can: (permission: string) => boolean;
  /** The rows that the principal reaches with it; absent: every row. */
  readonly rows?: Rows;
  /** The version the primary stream must have. */
  readonly ifMatch?: number;
}

export interface Verdict {
  readonly outcome: 'succeeded' | 'unchanged' | 'rejected';
  readonly stream: string;
  /** The stream's version after this command. */
  readonly version: number;
  /** Position of the stream's last event before this command; 0 where it had none or is not known yet. */
  readonly position: number;
  readonly events: readonly UnitEvent[];
  /** With `rejected`; the codes `not_found` and `version_conflict` are statuses of their own. */
  readonly rejection?: Rejection;
  readonly before: object;
  readonly after: object;
}

export interface StreamDecision {
  readonly stream: string;
  /** Indexes into the asks given. */
  readonly asks: readonly number[];
  readonly verdicts: readonly Verdict[];
  readonly unit: Unit;
  /** Where the stream stands once the unit is accepted (`position` is not known yet then). */
  readonly after: Loaded<object>;
}

export interface Deciding {
  /** `known`: streams whose current state the caller has at hand; a stale one costs a conflict, no more. */
  decideAll(
    asks: readonly Ask[],
    known?: ReadonlyMap<string, Loaded<object>>,
  ): Promise<readonly StreamDecision[]>;
}

const streamOf = ({ command, input }: Ask): string => command.stream.of(command.id(input));

const requestFor = (definition: StreamDefinition, stream: string): LoadRequest => ({
  stream,
  folding: definition,
});

/** As most commands: then nothing is waited for, which in bulk is done a hundred thousand times. */
const readsNothing = ({ command }: Ask): boolean => {
  for (const _ in command.reads) return false;
  return true;
};

const readsOf = (ask: Ask, state: object): Map<string, LoadRequest> => {
  const requests = new Map<string, LoadRequest>();
  for (const [name, { stream, id }] of Object.entries(ask.command.reads)) {
    const readId = id(ask.input, state);
    if (readId !== undefined) requests.set(name, requestFor(stream as StreamDefinition, stream.of(readId)));
  }
  return requests;
};

const contextOf = (ask: Ask, read: Readonly<Record<string, object>>): CommandContext => {
  const { actor, decidedAt, reason, reference } = ask.metadata;
  return {
    actor: actor satisfies ActorRef,
    can: ask.can,
    now: decidedAt satisfies Timestamp,
    ...(reason === undefined ? {} : { reason }),
    ...(reference === undefined ? {} : { reference }),
    read,
  };
};

const versionConflict = (ask: Ask, version: number): Rejection | undefined =>
  ask.ifMatch === undefined || ask.ifMatch === version
    ? undefined
    : reject(
        'version_conflict',
        `The stream is at version ${version}, not ${ask.ifMatch}: read it again and decide anew.`,
      );

/** A command may read the stream it writes, by its own view or another: it sees what was decided before it. */
const evolved = (loaded: Loaded<object>, { folding }: LoadRequest, decided: readonly UnitEvent[]): object =>
  decided.reduce((state, event) => folding.evolve(state, event), loaded.state);

/** What deciding goes by, beside the ask itself. */
interface Given {
  readonly shelf: Shelf;
  readonly reaching: Reaching;
  /** Versions that the decision depends on. */
  readonly reads: Map<string, number>;
  /** Events that commands before this one added to the stream; `at` holds them already. */
  readonly decided: readonly UnitEvent[];
}

/** Whether there is something that the principal does not reach. */
const isHidden = async (
  ask: Ask,
  { stream, version }: Loaded<object>,
  given: Given,
  decided = given.decided,
) =>
  ask.rows !== undefined &&
  version > 0 &&
  !(await given.reaching.reaches(stream, ask.rows, decided, given.reads));

const statesRead = async (ask: Ask, at: Loaded<object>, given: Given): Promise<Record<string, object>> => {
  const { shelf, reads, decided } = given;
  const states: Record<string, object> = {};
  for (const [name, { stream }] of Object.entries(ask.command.reads)) states[name] = stream.initialState;
  for (const [name, request] of readsOf(ask, at.state)) {
    const loaded = await shelf.get(request);
    const own = request.stream === at.stream;
    reads.set(request.stream, loaded.version);
    // A rule may count on a stream that no row stands for, whoever asks.
    const hides = !own && given.reaching.hasRow(request.stream);
    if (hides && (await isHidden(ask, loaded, given, []))) continue;
    states[name] = own ? evolved(loaded, request, decided) : loaded.state;
  }
  return states;
};

/** Why the decision must not stand; undefined where it may. */
const beyondReach = async (
  ask: Ask,
  hidden: boolean,
  { stream }: Loaded<object>,
  events: readonly UnitEvent[],
  given: Given,
): Promise<Rejection | undefined> => {
  if (hidden) return nothingThere();
  if (ask.rows === undefined) return undefined;
  const after = [...given.decided, ...events];
  if (await given.reaching.reaches(stream, ask.rows, after, given.reads)) return undefined;
  // What was reached may be taken away; what never had a row is out of every reach.
  const { reaching, decided } = given;
  const taken = reaching.isThere(stream, decided) && !reaching.isThere(stream, after);
  return taken ? undefined : outOfReach();
};

/** Written out: what is spread and added to gets a hidden class of its own (docs/decisions/0040). */
const unchangedAt = ({ stream, version, position, state }: Loaded<object>): Verdict => {
  return { outcome: 'unchanged', stream, version, position, events: [], before: state, after: state };
};

const rejectedAt = ({ stream, version, position, state }: Loaded<object>, rejection: Rejection): Verdict => {
  const [before, after] = [state, state];
  return { outcome: 'rejected', stream, version, position, events: [], rejection, before, after };
};

const decideOne = async (ask: Ask, real: Loaded<object>, given: Given): Promise<Verdict> => {
  const hidden = ask.rows !== undefined && (await isHidden(ask, real, given));
  const at = hidden ? { ...real, version: 0, position: 0, state: ask.command.stream.initialState } : real;
  const states = readsNothing(ask) ? {} : await statesRead(ask, at, given);
  const conflict = versionConflict(ask, at.version);
  if (conflict !== undefined) return rejectedAt(at, conflict);
  const decision = ask.command.decide(ask.input, at.state, contextOf(ask, states));
  if (isRejection(decision)) return rejectedAt(at, decision);
  if (decision.length === 0) return unchangedAt(at);
  const events = decision.map(({ type, data }) => ({
    stream: at.stream,
    type,
    data,
    metadata: ask.metadata,
  }));
  const beyond = ask.rows === undefined ? undefined : await beyondReach(ask, hidden, at, events, given);
  if (beyond !== undefined) return rejectedAt(at, beyond);
  const after = decision.reduce((state, event) => ask.command.stream.evolve(state, event), at.state);
  const { position, state: before } = at;
  const version = at.version + events.length;
  return { outcome: 'succeeded', stream: at.stream, version, position, events, before, after };
};

const decideStream = async (
  stream: string,
  indexes: readonly number[],
  asks: readonly Ask[],
  shelf: Shelf,
  reaching: Reaching,
) => {
  const first = asks[indexes[0] as number] as Ask;
  if (indexes.some((index) => asks[index]?.command.stream.name !== first.command.stream.name)) {
    throw new Error(`commands with different views of the stream ${stream} cannot be decided together`);
  }
  const request = requestFor(first.command.stream, stream);
  const base = shelf.peek(request) ?? (await shelf.get(request));
  const reads = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const events: UnitEvent[] = [];
  let at = base;
  for (const index of indexes) {
    const verdict = await decideOne(asks[index] as Ask, at, { shelf, reaching, reads, decided: events });
    verdicts.push(verdict);
    events.push(...verdict.events);
    if (verdict.outcome === 'succeeded')
      at = { stream, version: verdict.version, state: verdict.after, position: 0 };
  }
  // What was refused or left unchanged was decided on this version too: then it is a condition all the same.
  reads.set(stream, base.version);
  const writes = events.length > 0 ? [{ stream, base: base.version }] : [];
  if (writes.length > 0) reads.delete(stream);
  const unit: Unit = {
    writes,
    reads: [...reads].map(([name, version]) => ({ stream: name, version })),
    claims: [],
    releases: [],
    keys: [],
    events,
  };
  return { stream, asks: indexes, verdicts, unit, after: at } satisfies StreamDecision;
};

/** Rows that must be known before the asks can be decided, by what is loaded so far. */
const rowsMissing = (
  asks: readonly Ask[],
  streamsOf: (ask: Ask, n: number) => readonly string[],
  reaching: Reaching,
): readonly LoadRequest[] =>
  asks.flatMap((ask, n) => (ask.rows === undefined ? [] : reaching.missing(streamsOf(ask, n), ask.rows)));

export const createDeciding = (
  log: Pick<EventLog, 'load'>,
  judging: RowJudging = nothingIsReached,
): Deciding => ({
  async decideAll(asks, known = new Map()) {
    const byStream = new Map<string, number[]>();
    asks.forEach((ask, index) => {
      const stream = streamOf(ask);
      const indexes = byStream.get(stream);
      if (indexes === undefined) byStream.set(stream, [index]);
      else indexes.push(index);
    });
    const shelf = createShelf(log);
    const reaching = createReaching(judging, shelf);
    const primaries = asks.map((ask) => requestFor(ask.command.stream, streamOf(ask)));
    for (const request of primaries) {
      const at = known.get(request.stream);
      if (at !== undefined) shelf.put(request, at);
    }
    await shelf.fetch([...primaries, ...rowsMissing(asks, (ask) => [streamOf(ask)], reaching)]);
    const reads = await Promise.all(
      asks.map(async (ask, i) => {
        if (readsNothing(ask)) return [];
        const { state } = await shelf.get(primaries[i] as LoadRequest);
        return [...readsOf(ask, state).values()];
      }),
    );
    const touched = (ask: Ask, n: number) => [streamOf(ask), ...(reads[n] ?? []).map(({ stream }) => stream)];
    await shelf.fetch([...reads.flat(), ...rowsMissing(asks, touched, reaching)]);
    return Promise.all(
      [...byStream].map(([stream, indexes]) => decideStream(stream, indexes, asks, shelf, reaching)),
    );
  },
});
