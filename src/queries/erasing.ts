/**
 * Scrubs personal fields from read models after a person's key was destroyed. The log needs nothing: it
 * is ciphertext and reads as `[erased]` from then on, also in every later rebuild. Rows are scrubbed in
 * place, and snapshots as of a moment, which are only copies, are dropped.
 */
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { erased } from '../events/codec.ts';
import type { Catalogue, Known } from './catalogue.ts';
import { lockSnapshotsOf, readTables, type TableRow } from './sql/projections.ts';
import { scrubRows } from './sql/table.ts';
import { dropTables, fits } from './tables.ts';

interface Deps {
  readonly pool: Db;
  readonly catalogue: Catalogue;
}

/** Call after the key is gone, so that nothing folded later holds what is scrubbed here. */
export const createEraser = ({ pool, catalogue }: Deps) => {
  const scrub = async (known: Known, tables: readonly TableRow[], subject: string): Promise<number> => {
    let scrubbed = 0;
    for (const table of tables) {
      if (table.name !== known.definition.name || !fits(table, known)) continue;
      const { rowCount } = await pool.query(scrubRows(table.tableName, known.shape), [subject, erased]);
      scrubbed += rowCount ?? 0;
    }
    return scrubbed;
  };

  const dropSnapshots = (known: Known): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Pick<TableRow, 'id' | 'tableName'>>({
        ...lockSnapshotsOf,
        values: [known.definition.name],
      });
      await dropTables(tx, rows);
    });

  /** Returns how many rows were scrubbed. */
  return async (subject: string): Promise<number> => {
    const { rows } = await pool.query<TableRow>(readTables);
    let scrubbed = 0;
    for (const known of catalogue.all) {
      if (known.shape.personal.length === 0) continue;
      scrubbed += await scrub(known, rows, subject);
      await dropSnapshots(known);
    }
    return scrubbed;
  };
};
