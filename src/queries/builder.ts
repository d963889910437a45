/**
 * Builds what is missing: a projection whose live table is of an older version or another shape, or that
 * has none, or for which a rebuild was asked. The new table is filled beside the old one, which goes on
 * answering, and takes its place in one transaction. Building resumes after a crash, from the catalogue.
 */

import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { Superseded } from './apply.ts';
import type { Catalogue, Known } from './catalogue.ts';
import { FillFailed, fill } from './fill.ts';
import type { FoldLog } from './folded-events.ts';
import {
  goLive,
  readTables,
  retireBuilding,
  retireLive,
  setError,
  type TableRow,
} from './sql/projections.ts';
import { withoutTimeout } from './sql/table.ts';
import { fits, makeBuilding, type OpenTable, openTable } from './tables.ts';

export interface BuilderDeps {
  readonly pool: Db;
  readonly log: FoldLog;
  readonly catalogue: Catalogue;
  readonly onError: (error: unknown) => void;
  /** Runs the switch while nothing else advances, so that a projection's position never goes back. */
  readonly exclusively: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onLive: (table: OpenTable, position: number) => void;
}

export interface Builder {
  /** Builds one table that is missing or asked for; false where there is nothing to build. */
  buildNext(signal: AbortSignal): Promise<boolean>;
}

type Wanted = { readonly known: Known; readonly building: TableRow | undefined };

/** What is to be built, by what the catalogue says. A live table newer than this program is left alone. */
const wantedOf = (rows: readonly TableRow[], known: Known): Wanted | undefined => {
  const ofState = (state: TableRow['state']) =>
    rows.find((row) => row.name === known.definition.name && row.state === state);
  const live = ofState('live');
  const building = ofState('building');
  if (building !== undefined && fits(building, known)) return { known, building };
  if (live === undefined) return { known, building };
  if (fits(live, known) || live.version > known.definition.version) return undefined;
  return { known, building };
};

const started = (pool: Db, { known, building }: Wanted): Promise<TableRow> =>
  inTransaction(pool, async (tx) => {
    if (building !== undefined && fits(building, known)) return building;
    if (building !== undefined) await tx.query({ ...retireBuilding, values: [building.id] });
    return makeBuilding(tx, known);
  });

export const createBuilder = (deps: BuilderDeps): Builder => {
  const { pool, log, catalogue, onError, exclusively, onLive } = deps;
  const failed = new Set<number>();

  const finish = (table: OpenTable): Promise<void> =>
    inTransaction(pool, async (tx) => {
      await tx.query(withoutTimeout);
      for (const statement of table.statements.finish) await tx.query(statement);
    });

  const switchTo = (table: OpenTable, from: number): Promise<void> =>
    exclusively(async () => {
      const position = await fill({ pool, log }, table, from);
      await inTransaction(pool, async (tx) => {
        await tx.query({ ...retireLive, values: [table.known.definition.name] });
        const { rowCount } = await tx.query({ ...goLive, values: [table.id] });
        if (rowCount !== 1) throw new Superseded('the table being built was taken away');
      });
      onLive(table, position);
    });

  const build = async (wanted: Wanted, signal: AbortSignal): Promise<void> => {
    const row = await started(pool, wanted);
    const table = openTable(row, wanted.known);
    try {
      const position = await fill({ pool, log }, table, row.position, { signal });
      if (signal.aborted) return;
      await finish(table);
      await switchTo(table, position);
    } catch (error) {
      if (!(error instanceof FillFailed)) throw error;
      failed.add(row.id);
      onError(new Error(`projection ${row.name} cannot be built`, { cause: error.cause }));
      await pool.query({ ...setError, values: [row.id, `It cannot be built: ${error.message}`] });
    }
  };

  return {
    async buildNext(signal) {
      const { rows } = await pool.query<TableRow>(readTables);
      const wanted = catalogue.all
        .map((known) => wantedOf(rows, known))
        .find((w) => w !== undefined && !failed.has(w.building?.id ?? -1));
      if (wanted === undefined) return false;
      await build(wanted, signal);
      return true;
    },
  };
};

/** Asks for a rebuild by the definition in force; the leading projector takes it up. */
export const askForRebuild = (pool: Db, known: Known): Promise<void> =>
  inTransaction(pool, async (tx) => {
    const { rows } = await tx.query<TableRow>(readTables);
    const building = rows.find((r) => r.name === known.definition.name && r.state === 'building');
    if (building !== undefined) await tx.query({ ...retireBuilding, values: [building.id] });
    await makeBuilding(tx, known);
  });
