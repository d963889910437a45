/**
 * Tables of a projection as of a position, for lists and exports. Filled by the same code as a rebuild,
 * shared by all who ask for that position, in any process, and dropped some time after their last use.
 * A small one is waited for; while a large one fills, callers are told when to come back.
 */

import type { Db } from '../db/pool.ts';
import { sqlState } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { QuarterdeckError } from '../errors.ts';
import { Superseded } from './apply.ts';
import type { Known } from './catalogue.ts';
import { FillFailed, fill } from './fill.ts';
import type { FoldLog } from './folded-events.ts';
import { isGone, type Readable, readable } from './live-tables.ts';
import { notBuiltYet } from './progress.ts';
import { createSerial } from './serial.ts';
import {
  countSnapshots,
  lockExpiredSnapshots,
  placeSnapshot,
  readLiveTable,
  setError,
  type TableRow,
  useSnapshot,
} from './sql/projections.ts';
import { withoutTimeout } from './sql/table.ts';
import { dropTables, fits, makeSnapshot, openTable } from './tables.ts';

export interface Snapshots {
  /** @throws QuarterdeckError snapshot_building, unavailable (too many at once). */
  tableAt(known: Known, position: number): Promise<Readable>;
  /**
   * A table of the rows as they are now, copied in one short transaction: a hundred times as fast as folding the
   * log. The position that it is of.
   *
   * @throws QuarterdeckError unavailable (no version answers yet, or one of another shape; too many at once).
   */
  keepLive(known: Known): Promise<number>;
  /** Drops what has expired. */
  sweep(): Promise<void>;
  stop(): Promise<void>;
}

interface Options {
  readonly pool: Db;
  readonly log: FoldLog;
  readonly onError: (error: unknown) => void;
  /** How long a caller waits for a table that is being filled. */
  readonly waitMs?: number;
  readonly unusedSecondsMax?: number;
  readonly countMax?: number;
}

type Used = TableRow & { readonly idleSeconds: number };

const pollMs = 100;
/** A fill whose checkpoint has not moved for so long has died with its process. */
const abandonedSeconds = 15;
/**
 * One that was used so lately does not make room for another. Taking away one that somebody pages through
 * costs time but no truth: the next page fills it again.
 */
const inUseSeconds = 2;
const sweepMs = 60_000;

const keepTriesMax = 5;
const serializationFailure = '40001';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const snapshotBuilding = (position: number): QuarterdeckError =>
  new QuarterdeckError('snapshot_building', `The rows as of ${position} are being put together.`, {
    retryAfterSeconds: 2,
  });

export const createSnapshots = (options: Options): Snapshots => {
  const { pool, log, onError, waitMs = 2_000, unusedSecondsMax = 600, countMax = 20 } = options;
  const filling = new Map<number, Promise<void>>();
  const inTurn = createSerial();
  /** One table is made at a time, so that no burst of requests finds the same last room. */
  const making = createSerial();
  const stopped = new AbortController();

  const sweep = (): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const values = [unusedSecondsMax, countMax - 1, inUseSeconds];
      const { rows } = await tx.query<Pick<TableRow, 'id' | 'tableName'>>({
        ...lockExpiredSnapshots,
        values,
      });
      await dropTables(tx, rows);
    });

  const find = async ({ definition, shape }: Known, position: number): Promise<Used | undefined> => {
    const values = [definition.name, definition.version, shape.hash, position];
    const { rows } = await pool.query<Used>({ ...useSnapshot, values });
    return rows[0];
  };

  const requireRoom = async (): Promise<void> => {
    const count = async () => (await pool.query<{ count: number }>(countSnapshots)).rows[0]?.count ?? 0;
    if ((await count()) < countMax) return;
    await sweep();
    if ((await count()) < countMax) return;
    throw new QuarterdeckError('unavailable', `At most ${countMax} moments can be looked at side by side.`, {
      retryAfterSeconds: inUseSeconds,
    });
  };

  const fillTable = async (row: TableRow, known: Known, upTo: number): Promise<void> => {
    const table = openTable(row, known);
    try {
      const reached = await fill({ pool, log }, table, row.position, { upTo, signal: stopped.signal });
      if (reached === upTo) for (const statement of table.statements.finish) await pool.query(statement);
    } catch (error) {
      // It made room for another before it was full.
      if (error instanceof Superseded) return;
      onError(error);
      if (error instanceof FillFailed) await pool.query({ ...setError, values: [row.id, error.message] });
    }
  };

  const startFilling = (row: TableRow, known: Known, upTo: number): void => {
    if (filling.has(row.id)) return;
    const fills = inTurn(() => fillTable(row, known, upTo))
      .catch(onError)
      .finally(() => filling.delete(row.id));
    filling.set(row.id, fills);
  };

  const madeElsewhere = async (known: Known, position: number): Promise<Used> => {
    const found = await find(known, position);
    if (found === undefined) throw snapshotBuilding(position);
    return found;
  };

  /** The table's row; being filled by this process where nobody else does. */
  const begun = async (known: Known, position: number): Promise<Used> => {
    const found = await find(known, position);
    if (found !== undefined) {
      if (found.position < position && found.idleSeconds > abandonedSeconds)
        startFilling(found, known, position);
      return found;
    }
    return making(async () => {
      const meanwhile = await find(known, position);
      if (meanwhile !== undefined) return meanwhile;
      await requireRoom();
      const made = await inTransaction(pool, (tx) => makeSnapshot(tx, known, position));
      if (made === undefined) return madeElsewhere(known, position);
      startFilling(made, known, position);
      return { ...made, idleSeconds: 0 };
    });
  };

  /** A repeatable view holds rows and checkpoint as the projector committed them, both of one position. */
  const copyLive = (known: Known): Promise<number> =>
    inTransaction(
      pool,
      async (tx) => {
        await tx.query(withoutTimeout);
        const { rows } = await tx.query<TableRow>({ ...readLiveTable, values: [known.definition.name] });
        const [live] = rows;
        if (live === undefined || !fits(live, known)) throw notBuiltYet(known.definition.name);
        const made = await makeSnapshot(tx, known, live.position);
        // Somebody kept the same rows before.
        if (made === undefined) return live.position;
        await tx.query(openTable(made, known).statements.copyFrom(live.tableName));
        await tx.query({ ...placeSnapshot, values: [made.id, live.position] });
        return live.position;
      },
      { isolation: 'repeatable read' },
    );

  const keepLive = async (known: Known): Promise<number> => {
    for (let n = 0; ; n++) {
      try {
        return await copyLive(known);
      } catch (error) {
        // Another process keeps the same rows at this moment, or the projector switched tables.
        if (n === keepTriesMax || !(sqlState(error) === serializationFailure || isGone(error))) throw error;
      }
    }
  };

  const requireSound = ({ error, name }: TableRow): void => {
    if (error === null) return;
    throw new QuarterdeckError('internal', `The projection ${name} cannot be read as of then.`, {
      cause: new Error(error),
    });
  };

  const timer = setInterval(() => void sweep().catch(onError), sweepMs);
  timer.unref();

  return {
    sweep,
    keepLive: (known) =>
      making(async () => {
        await requireRoom();
        return keepLive(known);
      }),
    async tableAt(known, position) {
      const until = performance.now() + waitMs;
      let row: Used | undefined = await begun(known, position);
      while (row !== undefined && row.position < position) {
        requireSound(row);
        if (performance.now() > until) throw snapshotBuilding(position);
        await Promise.race([filling.get(row.id) ?? pause(pollMs), pause(pollMs)]);
        row = await find(known, position);
      }
      if (row === undefined) throw snapshotBuilding(position);
      return readable(row, known);
    },
    async stop() {
      clearInterval(timer);
      stopped.abort();
      await Promise.all(filling.values());
    },
  };
};
