/**
 * THE LOG as the rest of the program sees it. One append-only sequence of events, gapless and in commit
 * order, so that `position` alone is a reader's checkpoint.
 */
import type { Queryable, Tx } from '../db/pool.ts';
import type { EventData } from './definition.ts';
import type { ClearEvent, Metadata, RecordedEvent, StoredEvent, StoredText, Timestamp } from './envelope.ts';
import type { Appended, PreparedUnit, Unit, UnitEvent, UnitOutcome } from './unit.ts';

export interface Head {
  /** 0 while the log is empty. */
  readonly position: number;
  readonly recordedAt: Timestamp | undefined;
}

export interface ReadOptions {
  /** Exclusive; 0 reads from the beginning. */
  readonly after: number;
  /** Inclusive upper bound. */
  readonly upTo?: number;
  readonly limit: number;
  /** Only these event types (the checkpoint still moves over the others; see `Page.position`). */
  readonly types?: readonly string[];
}

/** `follows`: near the head it may be answered from what another reader of this process read a moment ago. */
export interface FollowOptions extends ReadOptions {
  readonly follows?: boolean;
}

/**
 * `position`: how far the log was looked through, which is the next `after` even where nothing matched. A
 * short or empty page is not the end of the log: only `position` tells.
 */
export interface Page<E> {
  readonly events: readonly E[];
  readonly position: number;
}

/** One stream to load: where it stands and the state that `fold` made of it. */
export interface Loaded<State> {
  readonly stream: string;
  readonly version: number;
  readonly state: State;
  /** Position of the stream's last event; 0 where there is none. */
  readonly position: number;
}

/** How to fold a stream; `commands/stream.ts` definitions satisfy it. */
export interface Folding<State extends object = object> {
  /** Snapshots belong to a folding: two may look at the same stream. */
  readonly name: string;
  readonly initialState: State;
  readonly evolve: (state: State, event: { readonly type: string; readonly data: EventData }) => State;
  readonly stateVersion: number;
  readonly subject: (state: State, stream: string) => string;
  /** In place of `evolve`, for a state that depends on when, by whom and in which version something happened. */
  readonly evolveWhole?: (state: State, event: ClearEvent) => State;
  /** Personal fields read `[erased]`, so that loading it needs no key; with `evolveWhole` only. */
  readonly unopened?: boolean;
}

export interface LoadRequest {
  readonly stream: string;
  // biome-ignore lint/suspicious/noExplicitAny: a folding keeps its own type of state; a list of them has none.
  readonly folding: Folding<any>;
}

/** A stream right before one of its events, whose version is `version`. */
export interface StateBefore {
  readonly stream: string;
  readonly version: number;
  readonly state: object;
}
/**
 * Done in the transaction of an append that was accepted, while its lock is held: both take effect or neither.
 * May be called again where the first transaction did not commit.
 */
export type Alongside = (tx: Tx, events: readonly (UnitEvent & Appended)[]) => Promise<void>;

export interface EventLog {
  /** Group commit: merged with what other callers append at the same time, accepted or refused on its own. */
  append(unit: Unit): Promise<UnitOutcome>;
  /**
   * Decides while the append lock is held, so that nobody can come between: for what met conflict after
   * conflict. Holds everybody up while it lasts. `decide` may be called again after a lost connection.
   */
  appendDecided(decide: () => Promise<Unit>, alongside?: Alongside): Promise<UnitOutcome>;
  /**
   * Appends within the caller's transaction, for work whose outcome must commit with its events. The append
   * lock is taken by the first of these and held until the transaction ends.
   *
   * In steps: `prepare` checks, seals and encodes, before any lock is held; `admit` tells which units would
   * be refused and where the log stands (of two that collide the later one is refused as a conflict: its
   * turn comes in another round); `writeAdmitted` appends units that were admitted, whose versions it does
   * not look at again. Or at once by `write`, each accepted or refused on its own.
   */
  prepare(units: readonly Unit[]): Promise<readonly PreparedUnit[]>;
  admit(tx: Tx, units: readonly Unit[]): Promise<Admission>;
  writeAdmitted(tx: Tx, units: readonly PreparedUnit[]): Promise<readonly UnitOutcome[]>;
  write(tx: Tx, units: readonly Unit[]): Promise<readonly UnitOutcome[]>;
  /** To be called after the commit of such a transaction with its last position, so that readers wake. */
  announce(position: number): void;
  /** Appends engine events to one reserved `$…` stream, whatever its version. */
  record(
    stream: string,
    events: readonly { type: string; data: EventData }[],
    metadata: Metadata,
  ): Promise<Pick<Head, 'position'>>;

  head(db?: Queryable): Promise<Head>;
  /** The last position with `recordedAt` ≤ time; 0 before the first. */
  positionAt(time: Timestamp): Promise<number>;
  /** The last position with `recordedAt` < time; 0 before the first. */
  positionBefore(time: Timestamp): Promise<number>;
  /** Readable events: decrypted and upcast to the newest schema version. */
  read(options: ReadOptions): Promise<Page<RecordedEvent>>;
  /**
   * As `read`, but of the metadata only what is not about a person by name, and that parsed when it is
   * looked at: for projections and rebuilds, which pass every event.
   */
  readClear(options: FollowOptions & { readonly types: readonly string[] }): Promise<Page<ClearEvent>>;
  /** As stored: ciphertext, original schema version. */
  readStored(options: FollowOptions): Promise<Page<StoredEvent>>;
  /** For a follower near the head: the stored texts. undefined: it is not near, and reads by itself. */
  readRecentTexts(options: ReadOptions): Promise<readonly StoredText[] | undefined>;
  /** Readable events at these positions, in order; fewer where there are none. */
  readAt(positions: readonly number[]): Promise<readonly RecordedEvent[]>;
  /** Readable events of the given streams, by position; all of them up to `upTo`. */
  readStreams(streams: readonly string[], upTo?: number): Promise<readonly RecordedEvent[]>;
  /** Rows that a statement of one's own read: those whose data and metadata are in the archive are completed. */
  complete(events: readonly StoredEvent[]): Promise<readonly StoredEvent[]>;
  decode(events: readonly StoredEvent[]): Promise<readonly RecordedEvent[]>;
  /** Current states, by snapshot and later events; one round trip for any number of streams. */
  load(requests: readonly LoadRequest[]): Promise<readonly Loaded<object>[]>;
  /**
   * Snapshots of these streams, each asked for once, so that loading them needs no event of today. How many were
   * kept: of a stream whose subject is erased there is none.
   */
  keepStates(requests: readonly LoadRequest[]): Promise<number>;

  /** What each event's stream was right before it; the events are given by their positions. */
  statesBefore(
    positions: readonly number[],
    folding: LoadRequest['folding'],
  ): Promise<readonly StateBefore[]>;

  /** Calls back after appends, from this or another process; coalesced, and polled as a fallback. */
  onAppended(listener: () => void): () => void;
}

export interface Admission {
  readonly head: Head;
  /** One entry a unit: undefined where it is admitted. */
  readonly refused: readonly (Exclude<UnitOutcome, { accepted: true }> | undefined)[];
}
