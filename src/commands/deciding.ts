/**
 * Decides commands in memory: one grouped load for all their streams, then each stream's commands in
 * the order given on its evolving state. What was decided on each other's result forms one unit, whose
 * conditions are the versions everything was decided on. Nothing is written here.
 */
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
import type { StreamDefinition } from './stream.ts';

/** A command to decide; its input is validated and its principal may run it. */
export interface Ask {
  readonly command: CommandDefinition;
  readonly input: EventData;
  readonly metadata: Metadata;
  readonly can: (permission: string) => boolean;
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

const shelfKey = ({ stream, folding }: LoadRequest): string => `${folding.name} ${stream}`;

/** Loaded streams by name and view; loads what is missing in one go. */
const createShelf = (log: Pick<EventLog, 'load'>) => {
  const shelf = new Map<string, Loaded<object>>();
  return {
    async fetch(requests: readonly LoadRequest[]): Promise<void> {
      const missing = new Map(requests.map((r) => [shelfKey(r), r]));
      for (const key of missing.keys()) if (shelf.has(key)) missing.delete(key);
      const loaded = await log.load([...missing.values()]);
      [...missing.keys()].forEach((key, i) => {
        shelf.set(key, loaded[i] as Loaded<object>);
      });
    },
    async get(request: LoadRequest): Promise<Loaded<object>> {
      const key = shelfKey(request);
      if (!shelf.has(key)) await this.fetch([request]);
      return shelf.get(key) as Loaded<object>;
    },
    put(request: LoadRequest, loaded: Loaded<object>): void {
      shelf.set(shelfKey(request), loaded);
    },
  };
};

type Shelf = ReturnType<typeof createShelf>;

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

/** `decided`: events that commands before this one added to the stream; `at` holds them already. */
const decideOne = async (
  ask: Ask,
  at: Loaded<object>,
  decided: readonly UnitEvent[],
  shelf: Shelf,
  reads: Map<string, number>,
): Promise<Verdict> => {
  const unchanged = {
    stream: at.stream,
    version: at.version,
    position: at.position,
    events: [],
    before: at.state,
    after: at.state,
  };
  const states: Record<string, object> = {};
  for (const [name, { stream }] of Object.entries(ask.command.reads)) states[name] = stream.initialState;
  for (const [name, request] of readsOf(ask, at.state)) {
    const loaded = await shelf.get(request);
    reads.set(request.stream, loaded.version);
    states[name] = request.stream === at.stream ? evolved(loaded, request, decided) : loaded.state;
  }
  const conflict = versionConflict(ask, at.version);
  if (conflict !== undefined) return { ...unchanged, outcome: 'rejected', rejection: conflict };
  const decision = ask.command.decide(ask.input, at.state, contextOf(ask, states));
  if (isRejection(decision)) return { ...unchanged, outcome: 'rejected', rejection: decision };
  if (decision.length === 0) return { ...unchanged, outcome: 'unchanged' };
  const events = decision.map(({ type, data }) => ({
    stream: at.stream,
    type,
    data,
    metadata: ask.metadata,
  }));
  const after = decision.reduce((state, event) => ask.command.stream.evolve(state, event), at.state);
  return { ...unchanged, outcome: 'succeeded', version: at.version + events.length, events, after };
};

const decideStream = async (
  stream: string,
  indexes: readonly number[],
  asks: readonly Ask[],
  shelf: Shelf,
) => {
  const first = asks[indexes[0] as number] as Ask;
  if (indexes.some((index) => asks[index]?.command.stream.name !== first.command.stream.name)) {
    throw new Error(`commands with different views of the stream ${stream} cannot be decided together`);
  }
  const base = await shelf.get(requestFor(first.command.stream, stream));
  const reads = new Map<string, number>();
  const verdicts: Verdict[] = [];
  const events: UnitEvent[] = [];
  let at = base;
  for (const index of indexes) {
    const verdict = await decideOne(asks[index] as Ask, at, events, shelf, reads);
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

export const createDeciding = (log: Pick<EventLog, 'load'>): Deciding => ({
  async decideAll(asks, known = new Map()) {
    const byStream = new Map<string, number[]>();
    asks.forEach((ask, index) => {
      const stream = streamOf(ask);
      const indexes = byStream.get(stream);
      if (indexes === undefined) byStream.set(stream, [index]);
      else indexes.push(index);
    });
    const shelf = createShelf(log);
    const primaries = asks.map((ask) => requestFor(ask.command.stream, streamOf(ask)));
    for (const request of primaries) {
      const at = known.get(request.stream);
      if (at !== undefined) shelf.put(request, at);
    }
    await shelf.fetch(primaries);
    const reads = await Promise.all(
      asks.map(async (ask, i) => {
        const { state } = await shelf.get(primaries[i] as LoadRequest);
        return [...readsOf(ask, state).values()];
      }),
    );
    await shelf.fetch(reads.flat());
    return Promise.all([...byStream].map(([stream, indexes]) => decideStream(stream, indexes, asks, shelf)));
  },
});
