/**
 * Puts the log together: encode, group, send with certainty, wake readers; read, load, snapshot.
 */
import type { Db, Tx } from '../db/pool.ts';
import { admit, append } from './append.ts';
import { createWakeups } from './appended.ts';
import { type ArchivedEvents, noArchive } from './archived.ts';
import { type BatcherOptions, createBatcher } from './batcher.ts';
import type { Codec } from './codec.ts';
import { createEncoding } from './encoding.ts';
import type { Metadata } from './envelope.ts';
import { createLoading } from './loading.ts';
import type { Admission, EventLog } from './log.ts';
import { createPartitions } from './partitions.ts';
import { createReadableTexts } from './readable-text.ts';
import { createReading } from './reading.ts';
import type { Registry } from './registry.ts';
import { createSender } from './sending.ts';
import { createStatesBefore } from './states-before.ts';
import type { PreparedUnit, Unit, UnitOutcome } from './unit.ts';

export interface EventLogOptions {
  readonly pool: Db;
  readonly registry: Registry;
  readonly codec: Codec;
  readonly onError: (error: unknown) => void;
  /** Told of each batch: units in it and events appended. */
  readonly onBatch?: (units: number, events: number) => void;
  /** Where events are whose partition was moved; without it reading one of them fails. */
  readonly archived?: ArchivedEvents | undefined;
  readonly batching?: Pick<BatcherOptions, 'inFlightMax' | 'unitsMax' | 'eventsMax'>;
}

export interface RunningLog extends EventLog {
  /** Reads the head and makes partitions; call before the first append. */
  start(): Promise<void>;
  /** Another process has appended (a notification arrived, with the position as its payload). */
  heard(position?: string): void;
  /** Resolves when everything submitted has its outcome. */
  stop(): Promise<void>;
}

export const createEventLog = (options: EventLogOptions): RunningLog => {
  const { pool, registry, codec, onError, onBatch, archived = noArchive } = options;
  const encoding = createEncoding(registry, codec);
  const reading = createReading(pool, encoding, archived);
  const loading = createLoading({ pool, codec, encoding, archived, onError });
  const wakeups = createWakeups({ pool, onError });
  const partitions = createPartitions(pool, onError);
  let knownHead = 0;

  const encodeAll = async (units: readonly Unit[]): Promise<readonly PreparedUnit[]> => {
    const events = await encoding.encode(units.flatMap((unit) => unit.events));
    let from = 0;
    return units.map((unit) => {
      const own = events.slice(from, from + unit.events.length);
      from += own.length;
      return { unit, events: own };
    });
  };

  const prepare = (units: readonly Unit[]): Promise<readonly PreparedUnit[]> => {
    encoding.check(units.flatMap((unit) => unit.events));
    return encodeAll(units);
  };

  const sender = createSender({
    pool,
    encode: encodeAll,
    knownHead: () => knownHead,
    ensurePartitions: partitions.ensure,
  });

  const announce = (position: number): void => {
    knownHead = Math.max(knownHead, position);
    wakeups.announce(position);
    partitions.reached(position);
  };

  const send = async (units: readonly Unit[]): Promise<readonly UnitOutcome[]> => {
    const outcomes = await sender.send(units);
    sent(units.length, outcomes);
    return outcomes;
  };

  /** Never throws: what was appended must not look as if it were not. */
  const sent = (units: number, outcomes: readonly UnitOutcome[]): void => {
    const events = outcomes.reduce((n, o) => (o.accepted ? n + o.events.length : n), 0);
    try {
      onBatch?.(units, events);
    } catch (error) {
      onError(error);
    }
    const last = lastPosition(outcomes);
    if (last > 0) announce(last);
  };

  const batcher = createBatcher({ send, ...options.batching });

  const submit = async (unit: Unit): Promise<UnitOutcome> => {
    encoding.check(unit.events);
    return batcher.submit(unit);
  };

  return {
    ...reading,
    readableTexts: createReadableTexts(registry, encoding),
    load: loading.load,
    keepStates: loading.keep,
    statesBefore: createStatesBefore(pool, encoding, archived),
    onAppended: wakeups.on,
    heard(position) {
      const heard = Number(position);
      if (Number.isSafeInteger(heard)) knownHead = Math.max(knownHead, heard);
      wakeups.heard();
    },
    append: submit,

    async appendDecided(decide, alongside) {
      const outcome = await sender.sendDecided(async () => {
        const unit = await decide();
        encoding.check(unit.events);
        return unit;
      }, alongside);
      sent(1, [outcome]);
      return outcome;
    },

    announce,

    async admit(tx: Tx, units: readonly Unit[]): Promise<Admission> {
      const { position, recordedAt, refused } = await admit(tx, units);
      return { head: { position, recordedAt }, refused };
    },

    prepare,
    writeAdmitted: (tx: Tx, units: readonly PreparedUnit[]) => append(tx, units, 'admitted'),

    async write(tx: Tx, units: readonly Unit[]): Promise<readonly UnitOutcome[]> {
      return append(tx, await prepare(units));
    },

    async record(stream, events, metadata: Metadata) {
      const unit: Unit = {
        ...emptyUnit,
        writes: [{ stream, base: 'any' }],
        events: events.map((event) => ({ stream, metadata, ...event })),
      };
      const outcome = await submit(unit);
      if (!outcome.accepted)
        throw new Error(`an unconditional append to ${stream} was refused: ${outcome.cause}`);
      return { position: outcome.events.at(-1)?.position ?? 0 };
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
