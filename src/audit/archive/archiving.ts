/**
 * Old parts of the log as files outside the database: one a partition, each a provable export of all its events, a
 * gzip member for each page of it (RFC 1952 2.2: members that follow each other are one file), so that an event can
 * be read without the others. A file counts only once it was read back from where it lies and proven; then that is
 * recorded. Nothing is taken out of the database here.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { arrayText } from '../../db/array-text.ts';
import type { Db } from '../../db/pool.ts';
import { invalidInput, QuarterdeckError } from '../../errors.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { RecordedEvent, Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Storage } from '../../storage/storage.ts';
import { LogArchived } from '../engine-events.ts';
import { type Exporting, pagesOf, type Range } from '../provable/exporting.ts';
import type { Texts } from '../provable/lines.ts';
import type { TreeReading } from '../transparency/tree.ts';
import { nobodyBeside } from './nobody-beside.ts';
import { proveFile } from './proving.ts';
import { anyMember, isMovedAt, writeMembers } from './sql/members.ts';
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
  /**
   * Every partition whose events were all recorded before that moment, the oldest first.
   * @throws QuarterdeckError `rejected` where one of them was not archived
   */
  archivedBefore(before: Timestamp): Promise<readonly Archived[]>;
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

  const write = async (
    range: Range,
  ): Promise<Omit<Archived, keyof Range> & { members: readonly Member[] }> => {
    const file = archiveName(range);
    const digest = createHash('sha256');
    const members: Member[] = [];
    const bytes = await storage.write(
      file,
      packed(exporting.lines(range, {}, false), range, members, digest),
    );
    return { file, bytes, sha256: digest.digest('hex'), members };
  };

  const remember = async (file: string, members: readonly Member[]): Promise<void> => {
    const column = (of: (one: Member) => number): string => arrayText(members.map(of));
    const values = [
      column(({ after }) => after + 1),
      column(({ upTo }) => upTo),
      file,
      column(({ startsAt }) => startsAt),
      column(({ bytes }) => bytes),
    ];
    await pool.query({ ...writeMembers, values });
  };

  /** Files of earlier versions are of one piece, and are written anew. */
  const hasMembers = async (file: string): Promise<boolean> => {
    const { rows } = await pool.query<{ exists: boolean }>({ ...anyMember, values: [file] });
    return rows[0]?.exists === true;
  };

  /** What was moved is nowhere else, and is never written anew; anything else is proven again before it counts. */
  const isThere = async ({ after }: Range, one: Archived | undefined): Promise<boolean> => {
    const { rows } = await pool.query<{ moved: boolean }>({ ...isMovedAt, values: [after + 1] });
    if (rows[0]?.moved === true) return true;
    if (one === undefined || !(await hasMembers(one.file))) return false;
    const found = await proveFile({ storage, vkeys }, one.file);
    return found !== undefined && found.fault === undefined && found.sha256 === one.sha256;
  };

  const prove = async (file: string): Promise<void> => {
    const found = await proveFile({ storage, vkeys }, file);
    if (found === undefined)
      throw new QuarterdeckError('internal', `${file} is not there after it was written.`);
    if (found.fault === undefined) return;
    await storage.remove(file);
    throw new QuarterdeckError(
      'internal',
      `What was archived as ${file} does not prove itself: ${found.fault}`,
    );
  };

  /** Files that were proven: one that lies there and is not among them was cut off before. */
  const recorded = async (): Promise<(file: string) => Archived | undefined> => {
    const files = await recordedFiles(log, [LogArchived.type]);
    return (file) => files.get(file)?.data as unknown as Archived | undefined;
  };

  const partitionsBefore = async (before: Timestamp): Promise<readonly Range[]> => {
    if (before > clock()) throw invalidInput('before', 'must not lie in the future');
    const { rows } = await pool.query<{ size: number }>(selectPartitionSize);
    const sealed = (await tree.latest())?.size ?? 0;
    const last = Math.min(await log.positionBefore(before), sealed);
    return partitionsUpTo(last, rows[0]?.size ?? Number.MAX_SAFE_INTEGER);
  };

  return {
    async archivedBefore(before) {
      const proven = await recorded();
      return (await partitionsBefore(before)).map((range) => {
        const one = proven(archiveName(range));
        if (one !== undefined) return one;
        const span = `${range.after + 1} to ${range.upTo}`;
        throw new QuarterdeckError(
          'rejected',
          `Positions ${span} are not in the archive. Archive them first.`,
        );
      });
    },

    archive: (before, onArchived) =>
      nobodyBeside(pool, async () => {
        const proven = await recorded();
        const done: Archived[] = [];
        for (const range of await partitionsBefore(before)) {
          const file = archiveName(range);
          if (await isThere(range, proven(file))) continue;
          const { members, ...written } = await write(range);
          await prove(written.file);
          await remember(file, members);
          const one = { ...range, ...written };
          await record(LogArchived.of(one));
          done.push(one);
          onArchived(one);
        }
        return done;
      }),
  };
};

/** The last that the log says of each file of the archive, in events of these types. */
export const recordedFiles = async (
  log: Pick<EventLog, 'head' | 'read'>,
  types: readonly string[],
): Promise<ReadonlyMap<string, RecordedEvent>> => {
  const files = new Map<string, RecordedEvent>();
  const { position: head } = await log.head();
  for (let after = 0; after < head; ) {
    const page = await log.read({ after, limit: 1_000, types });
    for (const event of page.events) files.set(String(event.data.file), event);
    if (page.position === after) break;
    after = page.position;
  }
  return files;
};

/** Of one page: where it lies in its file. */
interface Member extends Range {
  readonly startsAt: number;
  readonly bytes: number;
}

const pack = promisify(gzip);

/** A head, the lines of each page, and an end; tells where each page came to lie. */
async function* packed(
  pages: AsyncIterable<Texts>,
  range: Range,
  members: Member[],
  digest: { update(bytes: Buffer): unknown },
): AsyncGenerator<Buffer> {
  const ranges = pagesOf(range);
  let startsAt = 0;
  let isHead = true;
  for await (const texts of pages) {
    const bytes = await pack(Buffer.concat(texts.map((text) => Buffer.from(text))));
    const page = isHead ? undefined : ranges.next().value;
    if (page) members.push({ ...page, startsAt, bytes: bytes.length });
    isHead = false;
    startsAt += bytes.length;
    digest.update(bytes);
    yield bytes;
  }
}
