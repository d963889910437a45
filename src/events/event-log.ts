/**
 * Puts the log together: encode, group, send with certainty, wake readers; read, load, snapshot.
 */
import type { Db, Tx } from '../db/pool.ts';
import { admit, append, type EncodedUnit } from './append.ts';
import { createWakeups } from './appended.ts';
import { type BatcherOptions, createBatcher } from './batcher.ts';
import type { Codec } from './codec.ts';
import { assertStorable, createEncoding } from './encoding.ts';
import type { Metadata } from './envelope.ts';
import { createLoading } from './loading.ts';
import type { Admission, EventLog, Head } from './log.ts';
import { createPartitions } from './partitions.ts';
import { createReading } from './reading.ts';
import type { Registry } from './registry.ts';
import { createSender } from './sending.ts';
import type { Unit, UnitOutcome } from './unit.ts';

export interface EventLogOptions {
  readonly pool: Db;
  readonly registry: Registry;
  readonly codec: Codec;
  readonly onError: (error: unknown) => void;
  /** Told of each batch: units and events in it. */
  readonly onBatch?: (units: number, events: number) => void;
  readonly batching?: Pick<BatcherOptions, 'inFlightMax' | 'unitsMax' | 'eventsMax'>;
}

export interface RunningLog extends EventLog {
  /** Reads the head and makes partitions; call before the first append. */
  start(): Promise<void>;
  /** Another process has appended (a notification arrived). */
  heard(): void;
  /** Resolves when everything submitted has its outcome. */
  stop(): Promise<void>;
}

export const createEventLog = (options: EventLogOptions): RunningLog => {
  const { pool, registry, codec, onError, onBatch } = options;
  const encoding = createEncoding(registry, codec);
  const reading = createReading(pool, encoding);
  const loading = createLoading({ pool, codec, encoding, onError });
  const wakeups = createWakeups({ pool, onError });
  const partitions = createPartitions(pool, onError);
  let knownHead = 0;
  const sender = createSender({ pool, knownHead: () => knownHead });

  const encodeAll = async (units: readonly Unit[]): Promise<readonly EncodedUnit[]> => {
    const events = await encoding.encode(units.flatMap((unit) => unit.events));
    let from = 0;
    return units.map((unit) => {
      const own = events.slice(from, from + unit.events.length);
      from += own.length;
      return { unit, events: own };
    });
  };

  const announce = (position: number): void => {
    knownHead = Math.max(knownHead, position);
    wakeups.announce(position);
    partitions.reached(position);
  };

  const send = async (units: readonly Unit[]): Promise<readonly UnitOutcome[]> => {
    const outcomes = await sender.send(await encodeAll(units));
    onBatch?.(
      units.length,
      units.reduce((n, u) => n + u.events.length, 0),
    );
    const last = lastPosition(outcomes);
    if (last > 0) announce(last);
    return outcomes;
  };

  const batcher = createBatcher({ send, ...options.batching });

  const submit = async (unit: Unit): Promise<UnitOutcome> => {
    assertStorable(unit.events);
    return batcher.submit(unit);
  };

  return {
    ...reading,
    decode: encoding.decode,
    load: loading.load,
    onAppended: wakeups.on,
    heard: wakeups.heard,
    append: submit,
    announce,

    async admit(tx: Tx, units: readonly Unit[]): Promise<Admission> {
      const { position, recordedAt, refused } = await admit(tx, units);
      return { head: { position, recordedAt }, refused };
    },

    async write(tx: Tx, units: readonly Unit[]): Promise<readonly UnitOutcome[]> {
      for (const unit of units) assertStorable(unit.events);
      return append(tx, await encodeAll(units));
    },

    async record(stream, events, metadata: Metadata): Promise<Head> {
      const unit: Unit = {
        ...emptyUnit,
        writes: [{ stream, base: 'any' }],
        events: events.map((event) => ({ stream, metadata, ...event })),
      };
      const outcome = await submit(unit);
      if (!outcome.accepted)
        throw new Error(`an unconditional append to ${stream} was refused: ${outcome.cause}`);
      return { position: outcome.events.at(-1)?.position ?? 0, recordedAt: outcome.recordedAt };
    },

    async start() {
      await partitions.ensure();
      knownHead = (await reading.head()).position;
    },

    async stop() {
      await batcher.drain();
      await loading.drain();
      await wakeups.stop();
      await partitions.stop();
    },
  };
};

const lastPosition = (outcomes: readonly UnitOutcome[]): number =>
  outcomes.reduce((last, o) => (o.accepted ? Math.max(last, o.events.at(-1)?.position ?? 0) : last), 0);

/** A unit without conditions, to be completed. */
export const emptyUnit: Unit = { writes: [], reads: [], claims: [], releases: [], keys: [], events: [] };
