/**
 * Scrubs personal fields from read models after a person's key was destroyed. The log needs nothing: it
 * is ciphertext and reads as `[erased]` from then on, also in every later rebuild. Rows are scrubbed in
 * place, and snapshots as of a moment, which are only copies, are dropped.
 *
 * A projector may have decrypted a page just before the key was destroyed and write it just after, so a
 * table counts as scrubbed only when it has taken in every event of before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { QuarterdeckError } from '../errors.ts';
import { erased } from '../events/codec.ts';
import type { EventLog } from '../events/log.ts';
import type { Catalogue, Known } from './catalogue.ts';
import { lockCheckpoints, lockSnapshotsOf, readTables, type TableRow } from './sql/projections.ts';
import { scrubRows } from './sql/table.ts';
import { dropTables, fits } from './tables.ts';

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head'>;
  readonly catalogue: Catalogue;
  readonly waitMs?: number;
}

export interface ErasingRows {
  /** false: what is there now is scrubbed, and a projection that is behind is not waited for. */
  readonly wait?: boolean;
}

interface Scrubbed {
  /** Where the table stood while it was scrubbed. */
  readonly stood: number;
  readonly rows: number;
}

const pollMs = 50;

export const createEraser = ({ pool, log, catalogue, waitMs = 30_000 }: Deps) => {
  /** undefined: it is gone. */
  const scrub = (known: Known, { id, tableName }: TableRow, subject: string): Promise<Scrubbed | undefined> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Pick<TableRow, 'position' | 'state'>>({
        ...lockCheckpoints,
        values: [[id]],
      });
      if (rows[0] === undefined || rows[0].state === 'retired') return undefined;
      const { rowCount } = await tx.query(scrubRows(tableName, known.shape), [subject, erased]);
      return { stood: rows[0].position, rows: rowCount ?? 0 };
    });

  const dropSnapshots = (known: Known): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Pick<TableRow, 'id' | 'tableName'>>({
        ...lockSnapshotsOf,
        values: [known.definition.name],
      });
      await dropTables(tx, rows);
    });

  /** Whether every table of the projection is scrubbed and beyond `position`, and how many rows there were. */
  const scrubAll = async (known: Known, subject: string, position: number) => {
    const { rows } = await pool.query<TableRow>(readTables);
    const own = rows.filter((row) => row.name === known.definition.name && fits(row, known));
    let done = true;
    let count = 0;
    for (const row of own) {
      const scrubbed = await scrub(known, row, subject);
      if (scrubbed === undefined) continue;
      if (scrubbed.stood < position) done = false;
      count += scrubbed.rows;
    }
    await dropSnapshots(known);
    return { done, count };
  };

  /**
   * To be called after the key is gone. Answers how many rows there were.
   * @throws QuarterdeckError unavailable where a projection lags too far behind; ask again.
   */
  return async (subject: string, { wait = true }: ErasingRows = {}): Promise<number> => {
    const { position } = await log.head();
    const until = performance.now() + waitMs;
    let rows = 0;
    for (const known of catalogue.all) {
      if (known.shape.personal.length === 0) continue;
      for (let first = true; ; first = false) {
        const { done, count } = await scrubAll(known, subject, position);
        // Scrubbed again while it catches up, a row is still one row.
        if (first) rows += count;
        if (done || !wait) break;
        if (performance.now() > until) {
          const { name } = known.definition;
          throw new QuarterdeckError(
            'unavailable',
            `The projection ${name} is too far behind to be scrubbed.`,
            {
              retryAfterSeconds: 30,
            },
          );
        }
        await sleep(pollMs);
      }
    }
    return rows;
  };
};
