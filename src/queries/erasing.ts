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

const pollMs = 50;

export const createEraser = ({ pool, log, catalogue, waitMs = 30_000 }: Deps) => {
  /** Returns where the table stood while it was scrubbed; undefined: it is gone. */
  const scrub = (known: Known, { id, tableName }: TableRow, subject: string): Promise<number | undefined> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Pick<TableRow, 'position' | 'state'>>({
        ...lockCheckpoints,
        values: [[id]],
      });
      if (rows[0] === undefined || rows[0].state === 'retired') return undefined;
      await tx.query(scrubRows(tableName, known.shape), [subject, erased]);
      return rows[0].position;
    });

  const dropSnapshots = (known: Known): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Pick<TableRow, 'id' | 'tableName'>>({
        ...lockSnapshotsOf,
        values: [known.definition.name],
      });
      await dropTables(tx, rows);
    });

  /** Whether every table of the projection is scrubbed and beyond `position`. */
  const scrubAll = async (known: Known, subject: string, position: number): Promise<boolean> => {
    const { rows } = await pool.query<TableRow>(readTables);
    const own = rows.filter((row) => row.name === known.definition.name && fits(row, known));
    let done = true;
    for (const row of own) {
      const stood = await scrub(known, row, subject);
      if (stood !== undefined && stood < position) done = false;
    }
    await dropSnapshots(known);
    return done;
  };

  /**
   * To be called after the key is gone.
   * @throws QuarterdeckError unavailable where a projection lags too far behind; ask again.
   */
  return async (subject: string): Promise<void> => {
    const { position } = await log.head();
    const until = performance.now() + waitMs;
    for (const known of catalogue.all) {
      if (known.shape.personal.length === 0) continue;
      while (!(await scrubAll(known, subject, position))) {
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
  };
};
