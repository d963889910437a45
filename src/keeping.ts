/**
 * The log of an engine and what it is kept with: the keys of personal data, the definitions of its events, the
 * place outside the database, and erasure, which has its say before anything is opened.
 */
import type { Access } from './access/access.ts';
import type { Area } from './area.ts';
import { createArchivedEvents } from './audit/archive/archived-events.ts';
import type { AuditIndex } from './audit/index/audit-index.ts';
import { createTreeReading } from './audit/transparency/tree.ts';
import type { AlongsideOf } from './commands/lanes.ts';
import { type Compliance, createCompliance } from './compliance/index.ts';
import { engineEvents } from './engine-events.ts';
import type { EngineOptions } from './engine-options.ts';
import type { ArchivedEvents } from './events/archived.ts';
import { type Codec, createCodec } from './events/codec.ts';
import { createEventLog, type RunningLog } from './events/event-log.ts';
import { createKeyRing, type KeyRing } from './events/keys.ts';
import { createRegistry, type Registry } from './events/registry.ts';
import { hmacKeyOf } from './keys.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import type { ReadSide } from './queries/read-side.ts';
import { openStorage } from './storage/open.ts';
import type { Storage } from './storage/storage.ts';
import { createEffects, type Effects } from './workers/effects/index.ts';
import type { Exports } from './workers/exports/index.ts';

export interface Keeping {
  readonly keyRing: KeyRing;
  /** 32 bytes that outlive a change of the master key. */
  readonly secret: Buffer;
  readonly codec: Codec;
  readonly registry: Registry;
  readonly log: RunningLog;
  readonly mirror: Storage | undefined;
  /** What reads events whose partition was moved to the archive; undefined: nobody told where that is. */
  readonly archived: ArchivedEvents | undefined;
  readonly compliance: Compliance;
  readonly effects: Effects;
  /** What is done in the transaction of a command's events. */
  readonly alongsideOf: AlongsideOf;
  /** Lets go of the places outside the database. */
  close(): void;
}

export const openKeeping = async (
  options: EngineOptions,
  areas: readonly Area[],
  clock: () => string,
): Promise<Keeping> => {
  const { pool, onError, newId } = options;
  const keyRing = createKeyRing(pool, options.masterKey);
  const secret = await hmacKeyOf(keyRing);
  const codec = createCodec(keyRing);
  const registry = createRegistry([...areas.flatMap((area) => area.events), ...engineEvents]);
  const names = new Set(areas.flatMap((area) => area.commands).map(({ name }) => name));
  const effects = createEffects(options.effects ?? [], names, {
    clock,
    newId,
    secret,
    log: { append: (unit) => log.append(unit) },
  });
  const openPlace = async (place: string | undefined): Promise<Storage | undefined> =>
    place === undefined ? undefined : openStorage(place, options.s3);
  const archive = await openPlace(options.logArchive);
  const archived = archive && createArchivedEvents({ pool, storage: archive, tree: createTreeReading(pool) });
  const log = createEventLog({
    pool,
    archived,
    codec,
    registry,
    onError: (error) => onError(error, 'keeping the log'),
    ...(options.onBatch === undefined ? {} : { onBatch: options.onBatch }),
  });
  await log.start();
  const mirror = await openPlace(options.logMirror);
  const compliance = createCompliance({ ...options, log, keyRing, mirror, secret, clock });
  await compliance.reapply();
  const alongsideOf: AlongsideOf = (commands) =>
    compliance.alongsideOf(commands) ?? effects.alongsideOf(commands);
  const close = (): void => {
    mirror?.close();
    archive?.close();
  };
  return { keyRing, secret, codec, registry, log, mirror, archived, compliance, effects, alongsideOf, close };
};

interface Copies {
  readonly readSide: ReadSide;
  readonly access: Access;
  readonly exports: Exports;
  readonly auditIndex: AuditIndex;
  readonly projections: readonly ProjectionDefinition[];
}

/** Whose copies of personal data there are beside the log. */
export const keepersOf = ({
  readSide,
  access,
  exports,
  auditIndex,
  projections,
}: Copies): Parameters<Compliance['keep']>[0] => ({
  rows: (subject, wait) => readSide.erase(subject, { wait }),
  words: auditIndex.forget,
  shutOut: (person) => access.people.setActive(person, false),
  others: [{ kind: 'exports', scrub: () => exports.withdraw(personalFieldsOf(projections)) }],
});

/** By projection: its fields that are somebody's personal data. */
const personalFieldsOf = (projections: readonly ProjectionDefinition[]): Record<string, string[]> =>
  Object.fromEntries(
    projections.map(({ name, fields }) => [
      name,
      Object.keys(fields).filter((field) => fields[field]?.personal === true),
    ]),
  );
