/**
 * Old parts of the log as files outside the database: one a partition, each a provable export of all its events,
 * compressed. A file counts only once it was read back from where it lies and proven; then that is recorded.
 * Nothing is taken out of the database here.
 */
import { createHash } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { Db } from '../../db/pool.ts';
import { invalidInput, QuarterdeckError } from '../../errors.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Storage } from '../../storage/storage.ts';
import { LogArchived } from '../engine-events.ts';
import type { Exporting, Range } from '../provable/exporting.ts';
import type { TreeReading } from '../transparency/tree.ts';
import { verifyExport } from '../verify/export.ts';
import { ownHand } from '../verify/hands.ts';
import { toldOf } from '../verify/verdict.ts';
import { selectPartitionSize } from './sql/partitions.ts';

export interface Archived extends Range {
  readonly file: string;
  /** Compressed. */
  readonly bytes: number;
  /** Of the compressed file, in hex. */
  readonly sha256: string;
}

export interface Archiving {
  /**
   * Archives every partition whose events were all recorded before that moment and that is not there yet, the
   * oldest first; tells of each when it is proven. Cut off and begun again it goes on with the next.
   * @throws QuarterdeckError `invalid_input` for a moment that is still to come; `internal` where what lies
   * there does not prove itself, in which case it is removed
   */
  archive(before: Timestamp, onArchived: (one: Archived) => void): Promise<readonly Archived[]>;
}

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'positionBefore' | 'read' | 'head'>;
  readonly tree: Pick<TreeReading, 'latest'>;
  readonly exporting: Pick<Exporting, 'lines'>;
  readonly storage: Storage;
  readonly vkeys: () => Promise<readonly string[]>;
  readonly record: (event: NewEvent) => Promise<void>;
  readonly clock: () => Timestamp;
}

/** Digits for any position, so that names sort as positions do. */
const digits = 16;

export const archiveName = ({ after, upTo }: Range): string =>
  `log/${String(after + 1).padStart(digits, '0')}-${String(upTo).padStart(digits, '0')}.ndjson.gz`;

/** Positions of the partitions up to a position that they end at or before. */
export const partitionsUpTo = (last: number, size: number): readonly Range[] =>
  Array.from({ length: Math.floor((last + 1) / size) }, (_, n) => ({
    after: Math.max(0, n * size - 1),
    upTo: (n + 1) * size - 1,
  }));

export const createArchiving = (deps: Deps): Archiving => {
  const { pool, log, tree, exporting, storage, vkeys, record, clock } = deps;

  const write = async (range: Range): Promise<Omit<Archived, keyof Range>> => {
    const file = archiveName(range);
    const digest = createHash('sha256');
    const packed = piped(Readable.from(exporting.lines(range, {}, false)), createGzip());
    const bytes = await storage.write(file, hashed(packed, digest));
    return { file, bytes, sha256: digest.digest('hex') };
  };

  /** As it lies there, by nothing but the log's keys. */
  const prove = async (file: string): Promise<void> => {
    const content = await storage.read(file);
    if (content === undefined)
      throw new QuarterdeckError('internal', `${file} is not there after it was written.`);
    const source = piped(Readable.from(content), createGunzip());
    const verdict = await verifyExport({ source, vkeys: await vkeys() }, ownHand);
    if (verdict.intact) return;
    await storage.remove(file);
    const told = toldOf(verdict).slice(0, 3).join(' ');
    throw new QuarterdeckError('internal', `What was archived as ${file} does not prove itself: ${told}`);
  };

  /** Files that were proven: one that lies there and is not among them was cut off before. */
  const recorded = async (): Promise<ReadonlySet<unknown>> => {
    const files = new Set<unknown>();
    const { position: head } = await log.head();
    for (let after = 0; after < head; ) {
      const page = await log.read({ after, limit: 1_000, types: [LogArchived.type] });
      for (const { data } of page.events) files.add(data.file);
      if (page.position === after) break;
      after = page.position;
    }
    return files;
  };

  return {
    async archive(before, onArchived) {
      if (before > clock()) throw invalidInput('before', 'must not lie in the future');
      const { rows } = await pool.query<{ size: number }>(selectPartitionSize);
      const sealed = (await tree.latest())?.size ?? 0;
      const last = Math.min(await log.positionBefore(before), sealed);
      const proven = await recorded();
      const done: Archived[] = [];
      for (const range of partitionsUpTo(last, rows[0]?.size ?? Number.MAX_SAFE_INTEGER)) {
        const file = archiveName(range);
        if (proven.has(file) && (await storage.stat(file)) !== undefined) continue;
        const written = await write(range);
        await prove(written.file);
        const one = { ...range, ...written };
        await record(LogArchived.of(one));
        done.push(one);
        onArchived(one);
      }
      return done;
    },
  };
};

/** What fails at the source fails at the end. */
const piped = (source: Readable, through: Transform): Transform => {
  source.on('error', (error) => through.destroy(error));
  return source.pipe(through);
};

async function* hashed(
  source: AsyncIterable<Buffer>,
  digest: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer> {
  for await (const bytes of source) {
    digest.update(bytes);
    yield bytes;
  }
}
