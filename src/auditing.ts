/** The audit log of an engine, with the index that its search asks: what the registry and the read models know. */
import { systemPrincipal } from './access/principal.ts';
import { type Audit, createAudit } from './audit/audit.ts';
import type { NotesOf } from './audit/fields.ts';
import type { AboutOf } from './audit/index/attributes.ts';
import { type AuditIndex, createAuditIndex } from './audit/index/audit-index.ts';
import { createKnownValues, type KnownValues, type Vocabulary } from './audit/known.ts';
import { createBatches } from './audit/reading.ts';
import type { LogReads } from './audit/reads.ts';
import type { Replayable } from './audit/replay.ts';
import type { RefsOf } from './audit/shown.ts';
import { createSnapshotDesk, type SnapshotDesk } from './audit/snapshots.ts';
import type { Db } from './db/pool.ts';
import type { Codec } from './events/codec.ts';
import type { EventLog } from './events/log.ts';
import type { Registry } from './events/registry.ts';
import { FieldsRead } from './queries/engine-events.ts';
import type { ReadSide } from './queries/read-side.ts';

interface Parts {
  readonly pool: Db;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly registry: Registry;
  readonly readSide: ReadSide;
  readonly refsOf: RefsOf;
  readonly notesOf: NotesOf;
  readonly logReads: Pick<LogReads, 'soon'>;
  readonly streams: readonly Replayable[];
  readonly vocabulary: Pick<Vocabulary, 'commands' | 'tools'>;
  readonly clock: () => string;
  readonly newId: () => string;
  readonly secret: Buffer;
  readonly leaderUrl: string;
  readonly onError: (error: unknown) => void;
  readonly logLine: (line: string) => void;
}

export interface Auditing {
  readonly audit: Audit;
  readonly known: KnownValues;
  readonly auditIndex: AuditIndex;
  readonly snapshots: SnapshotDesk;
}

export const openAuditing = (parts: Parts): Auditing => {
  const { pool, log, registry, readSide, streams } = parts;
  const auditIndex = createAuditIndex({
    ...parts,
    aboutOf: aboutOf(parts),
    isOld: ({ type, schemaVersion }) => schemaVersion < (registry.find(type)?.schemaVersion ?? 0),
  });
  const known = createKnownValues({
    log,
    batches: createBatches(pool, log, auditIndex.batches),
    vocabulary: { ...parts.vocabulary, types: registry.types, prefixes: streams.map(({ prefix }) => prefix) },
  });
  const audit = createAudit({
    ...parts,
    streamsReached: readSide.reached.streams,
    indexed: auditIndex.batches,
    types: registry.types,
    known,
  });
  const snapshots = createSnapshotDesk({
    ...parts,
    tables: readSide.named,
    system: { principal: systemPrincipal },
  });
  return { audit, known, auditIndex, snapshots };
};

/** By its definition; a recorded read is also about the rows whose fields were read. */
const aboutOf =
  ({ registry, readSide: { catalogue } }: Parts): AboutOf =>
  ({ type, data }) => {
    const refs = registry.find(type)?.refs(data) ?? [];
    if (type !== FieldsRead.type) return refs;
    const projection = catalogue.find(String(data.projection))?.definition;
    const keys = Array.isArray(data.keys) ? data.keys.map(String) : [];
    return projection === undefined ? refs : [...refs, ...keys.flatMap((key) => projection.streams(key))];
  };
