/**
 * Takes old partitions of the log out of the database, once they can be read from the archive as they were read from
 * here: proven again where the file lies, every event compared, and a snapshot of every stream that has one. What is
 * left in its place says everything but data and metadata, so that versions, counts, positions and times are answered
 * as ever (decision 36). Cut off and begun again it goes on where it was.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { arrayText } from '../../db/array-text.ts';
import type { Db } from '../../db/pool.ts';
import { sqlState } from '../../db/sqlstate.ts';
import { inTransaction } from '../../db/transaction.ts';
import { QuarterdeckError } from '../../errors.ts';
import type { ArchivedEvents } from '../../events/archived.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { EventLog, LoadRequest } from '../../events/log.ts';
import type { Storage } from '../../storage/storage.ts';
import { LogAttached, LogDetached, LogDropped } from '../engine-events.ts';
import { pagesOf, type Range } from '../provable/exporting.ts';
import { type StoredLine, selectStoredLines } from '../provable/sql/stored-lines.ts';
import type { Replayable } from '../replay.ts';
import { type Archived, archiveName, recordedFiles } from './archiving.ts';
import { nobodyBeside } from './nobody-beside.ts';
import { proveFile } from './proving.ts';
import * as sql from './sql/moving.ts';
import { selectPartitionSize } from './sql/partitions.ts';

export interface Detached extends Range {
  readonly file: string;
  /** Streams with events there, and those of them without a snapshot, whose states are read from the archive. */
  readonly streams: number;
  readonly uncovered: number;
}

export interface Moving {
  /** The oldest first. @throws QuarterdeckError naming the range and what has to be done about it */
  detach(archived: readonly Archived[], onDetached: (one: Detached) => void): Promise<void>;
  /** Lets go of what was detached, for good; answers how many partitions. */
  drop(archived: readonly Archived[]): Promise<number>;
  /**
   * Puts back what was detached and is still kept, of partitions that end at that position or before; answers how
   * many. Needs nothing of the archive.
   */
  attach(upTo: number): Promise<number>;
}

interface Deps {
  readonly pool: Db;
  /** Of the owner of the tables; one connection. */
  readonly owner: Db;
  readonly log: Pick<EventLog, 'keepStates' | 'head' | 'read'>;
  readonly archivedEvents: ArchivedEvents;
  readonly storage: Storage;
  readonly vkeys: () => Promise<readonly string[]>;
  readonly streams: readonly Replayable[];
  readonly record: (event: NewEvent) => Promise<void>;
}

/** What processes read when they start, which must not depend on the archive: the policy and whom it trusts. */
const keptStreams = ['$policy', '$environment'];
const keptBeginnings = ['$identity-provider-', 'webhook-'];

const streamsAtOnce = 100;
const lockNotAvailable = '55P03';
/** A minute and a half in all. */
const triesMax = 180;
const pauseMs = 500;

export const createMoving = (deps: Deps): Moving => {
  const { pool, owner, log, archivedEvents, storage, vkeys, streams, record } = deps;

  /** The file is the one that was recorded, and what the log signed. */
  const prove = async ({ file, sha256 }: Archived): Promise<void> => {
    const again = 'Archive it again first.';
    const found = await proveFile({ storage, vkeys }, file);
    if (found === undefined) throw refused(`${file} is not in the archive. ${again}`);
    if (found.fault !== undefined)
      throw refused(`${file} of the archive does not prove itself: ${found.fault} ${again}`);
    if (found.sha256 !== sha256)
      throw refused(`${file} of the archive is not the file that was recorded. ${again}`);
  };

  /** Each event as a reader of the archive gets it is, to the byte, what a reader of the database gets. */
  const compare = async (range: Range): Promise<void> => {
    for (const { after, upTo } of pagesOf(range)) {
      const { rows } = await pool.query<StoredLine>({ ...selectStoredLines, values: [after, upTo] });
      const texts = await archivedEvents.textsAt(rows.map(([position]) => position));
      const other = rows.find(([position, stored]) => texts.get(position) !== stored)?.[0];
      if (other !== undefined)
        throw refused(
          `The event at position ${other} reads differently from the archive. Check the log first.`,
        );
      if (rows.length < upTo - after)
        throw refused(`Not every position from ${after + 1} to ${upTo} holds an event. Check the log first.`);
    }
  };

  /** The longest prefix tells what kind of stream it is. */
  const foldingsOf = (stream: string): readonly Replayable[] => {
    const fitting = streams.filter(({ prefix }) => stream.startsWith(`${prefix}-`));
    const longest = Math.max(...fitting.map(({ prefix }) => prefix.length));
    return fitting.filter(({ prefix }) => prefix.length === longest);
  };

  interface Wanted extends LoadRequest {
    readonly version: number;
  }

  const uncoveredOf = async (wanted: readonly Wanted[]): Promise<readonly Wanted[]> => {
    const values = [
      arrayText(wanted.map(({ stream }) => stream)),
      arrayText(wanted.map(({ folding }) => folding.name)),
      arrayText(wanted.map(({ folding }) => folding.stateVersion)),
      arrayText(wanted.map(({ version }) => version)),
    ];
    const { rows } = await pool.query<{ nth: number }>({ ...sql.selectUncovered, values });
    return rows.map(({ nth }) => wanted[nth - 1] as Wanted);
  };

  /** A snapshot of every stream that lacks one, so that commands and loads need nothing of the archive. */
  const cover = async (partition: sql.Partition): Promise<{ streams: number; uncovered: number }> => {
    let seen = 0;
    let uncovered = 0;
    for (let last = sql.lastOfAll; ; ) {
      const { rows } = await pool.query<{ stream: string; version: number }>({
        text: sql.selectStreams(partition),
        values: [last, streamsAtOnce],
      });
      const wanted = rows.flatMap(({ stream, version }) =>
        foldingsOf(stream).map((folding) => ({ stream, version, folding })),
      );
      const without = await uncoveredOf(wanted);
      uncovered += without.length - (await log.keepStates(without));
      seen += rows.length;
      const next = rows.at(-1);
      if (next === undefined) return { streams: seen, uncovered };
      last = next.stream;
    }
  };

  /** Whoever has looked at the database since before is waited for. */
  const settle = async (partition: sql.Partition): Promise<void> => {
    for (let tries = 1; ; tries++) {
      await owner.query(sql.settleRest(partition));
      const { rows } = await owner.query<{ settled: boolean }>(sql.isSettled(partition));
      if (rows[0]?.settled === true) return;
      if (tries === triesMax) throw refused(somebodyReads);
      await sleep(pauseMs);
    }
  };

  /** A reader that is in the middle of the log is waited for, without holding up those behind it for long. */
  const inOneGo = async (statements: readonly string[]): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        return await inTransaction(owner, async (tx) => {
          for (const statement of statements) await tx.query(statement);
        });
      } catch (error) {
        if (sqlState(error) !== lockNotAvailable) throw error;
        if (tries === triesMax) throw refused(somebodyReads);
        await sleep(pauseMs);
      }
    }
  };

  const alone = <T>(work: (partition: (range: Range) => sql.Partition) => Promise<T>): Promise<T> =>
    nobodyBeside(owner, async () => {
      await owner.query(sql.makeDetachedSchema);
      const size = (await owner.query<{ size: number }>(selectPartitionSize)).rows[0]?.size ?? 0;
      return work((range) => sql.partitionOf(range, size));
    });

  const isMoved = async ({ first }: sql.Partition): Promise<boolean> => {
    const { rows } = await pool.query<{ moved: boolean }>({ ...sql.selectMoved, values: [first] });
    return rows[0]?.moved === true;
  };

  const isKept = async ({ name }: sql.Partition): Promise<boolean> => {
    const { rows } = await owner.query<{ kept: boolean }>({ ...sql.selectDetached, values: [name] });
    return rows[0]?.kept === true;
  };

  const leaveRest = async (partition: sql.Partition): Promise<void> => {
    await inTransaction(owner, async (tx) => {
      for (const statement of sql.makeRest(partition)) await tx.query(statement);
      await tx.query({ text: sql.fillRest(partition), values: [keptStreams, keptBeginnings] });
    });
  };

  /** Of one that was moved by a command which was cut off, only the record is made up for. */
  const detachOne = async (
    one: Archived,
    partition: sql.Partition,
    isMovedAlready: boolean,
  ): Promise<Detached> => {
    if (!isMovedAlready) {
      await prove(one);
      await compare(one);
    }
    const covered = await cover(partition);
    if (!isMovedAlready) {
      await leaveRest(partition);
      await settle(partition);
      await inOneGo(sql.swap(partition));
    }
    const { after, upTo, file } = one;
    const detached = { after, upTo, file, ...covered };
    await record(LogDetached.of(detached));
    return detached;
  };

  return {
    detach: (archived, onDetached) =>
      alone(async (partition) => {
        const said = await recordedFiles(log, [LogDetached.type, LogAttached.type]);
        for (const one of archived) {
          const isMovedAlready = await isMoved(partition(one));
          if (isMovedAlready && said.get(one.file)?.type === LogDetached.type) continue;
          onDetached(await detachOne(one, partition(one), isMovedAlready));
        }
      }),

    drop: (archived) =>
      alone(async (partition) => {
        const said = await recordedFiles(log, [LogDetached.type, LogDropped.type]);
        let dropped = 0;
        for (const one of archived) {
          if (!(await isMoved(partition(one))) || said.get(one.file)?.type === LogDropped.type) continue;
          // Not there: it was dropped by a command that was cut off before it said so.
          if (await isKept(partition(one))) await prove(one);
          await owner.query(sql.dropDetached(partition(one)));
          await record(LogDropped.of(rangeOf(one)));
          dropped++;
        }
        return dropped;
      }),

    attach: (upTo) =>
      alone(async (partition) => {
        const { rows } = await owner.query<Range>({ ...sql.selectMovedUpTo, values: [upTo] });
        let attached = 0;
        for (const one of rows) {
          if (!(await isKept(partition(one)))) continue;
          for (const statement of sql.boundDetached(partition(one))) await owner.query(statement);
          // Before it is done, so that it is on record whatever happens then: nothing is lost by it.
          await record(LogAttached.of({ ...one, file: archiveName(one) }));
          await inOneGo(sql.swapBack(partition(one)));
          attached++;
        }
        return attached;
      }),
  };
};

const rangeOf = ({ after, upTo, file }: Archived) => ({ after, upTo, file });

const somebodyReads =
  'Somebody has the database open in one long transaction, such as a backup. Try again when it is over.';

const refused = (detail: string): QuarterdeckError => new QuarterdeckError('rejected', detail);
