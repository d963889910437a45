/** An audit over a log of counters in a cloned database, and who asks. */
import { randomBytes } from 'node:crypto';
import { type Principal, permissions } from '../../src/access/principal.ts';
import { type Audit, createAudit } from '../../src/audit/audit.ts';
import { auditEvents } from '../../src/audit/engine-events.ts';
import { allFields, createFields } from '../../src/audit/fields.ts';
import { type AuditIndex, createAuditIndex } from '../../src/audit/index/audit-index.ts';
import { createKnownValues, type KnownValues } from '../../src/audit/known.ts';
import { createBatches } from '../../src/audit/reading.ts';
import type { Db } from '../../src/db/pool.ts';
import type { ArchivedEvents } from '../../src/events/archived.ts';
import { createCodec } from '../../src/events/codec.ts';
import type { EventData, EventDefinition } from '../../src/events/definition.ts';
import type { Metadata, RecordedEvent } from '../../src/events/envelope.ts';
import { emptyUnit, type RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import type { Unit } from '../../src/events/unit.ts';
import { counting, definitions, masterKey, metadata, openLog } from '../events/testbed.ts';

export const auditor: Principal = {
  id: 'person:auditor',
  kind: 'person',
  roles: ['compliance'],
  permissions: permissions(['audit:*']),
  tool: 'console',
};

export interface Audited {
  readonly log: RunningLog;
  readonly audit: Audit;
  readonly known: KnownValues;
  /** Not running: it takes in what there is when told to. */
  readonly index: AuditIndex;
  /** Appends one event; by whom and by which command is up to `more`. */
  readonly write: (
    stream: string,
    type: 'Counted' | 'Named',
    data?: EventData,
    more?: Partial<Metadata>,
  ) => Promise<void>;
  readonly whole: () => Promise<readonly RecordedEvent[]>;
}

const notes = new Map(definitions.map((definition) => [definition.type, definition]));

/** What shows every event, and its fields as their definitions say. */
export const parts = () => {
  const streamsReached = async (streams: readonly string[]) => new Set(streams);
  const fields = createFields({
    streamsReached,
    refsOf: () => [],
    notesOf: (type) => notes.get(type),
    everything: allFields,
  });
  return { streamsReached, fields, shown: async <E>(events: readonly E[]) => events };
};

export const openAudit = async (pool: Db, archived?: ArchivedEvents): Promise<Audited> => {
  const events = [...definitions, ...(auditEvents as unknown as EventDefinition[])];
  const log = await openLog(pool, events, archived);
  const index = createAuditIndex({
    pool,
    log,
    codec: createCodec(createKeyRing(pool, masterKey)),
    aboutOf: ({ data }) => [`team-${String(data.counter)}`],
    isOld: () => false,
    secret: randomBytes(32),
    leaderUrl: String(pool.options.connectionString),
    onError: (error) => {
      throw error;
    },
    logLine: () => undefined,
  });
  const known = createKnownValues({
    log,
    batches: createBatches(pool, log, index.batches),
    vocabulary: {
      types: events.map(({ type }) => type),
      commands: ['count', 'name'],
      tools: () => ['console'],
      prefixes: ['counter'],
    },
  });
  const audit = createAudit({
    pool,
    log,
    known,
    indexed: index.batches,
    streams: [{ ...counting, prefix: 'counter' }],
    clock: () => new Date().toISOString().replace('Z', '000Z'),
    newId: () => crypto.randomUUID(),
    streamsReached: async (streams) => new Set(streams),
    refsOf: () => [],
    types: definitions.map(({ type }) => type),
    notesOf: (type) => notes.get(type),
    logReads: { soon: () => undefined },
  });
  const write: Audited['write'] = async (stream, type, data = {}, more = {}) => {
    const event = { stream, type, data: { counter: stream, ...data }, metadata: metadata(more) };
    const unit: Unit = { ...emptyUnit, writes: [{ stream, base: 'any' }], events: [event] };
    const outcome = await log.append(unit);
    if (!outcome.accepted) throw new Error('not accepted');
  };
  const whole = async () => (await log.read({ after: 0, limit: 10_000 })).events;
  return { log, audit, known, index, write, whole };
};

export const drained = async <T>(values: AsyncIterable<T>): Promise<readonly T[]> => {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
};

export const positions = (events: readonly { readonly position: number }[]): readonly number[] =>
  events.map(({ position }) => position);
