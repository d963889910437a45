/**
 * Applies a page of the log to tables, in one transaction: touched rows are loaded as a set, folded in
 * memory, written once each, and the checkpoints move with them. A checkpoint that is not where we
 * believe it is means that another process folds too: nothing is written then.
 */
import { arrayText, type Element } from '../db/array-text.ts';
import type { Db, Tx } from '../db/pool.ts';
import { outcomeUnknown, provesRollback, sqlState } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import type { Known } from './catalogue.ts';
import type { ColumnKind } from './columns.ts';
import type { FoldedEvent } from './definition.ts';
import { foldEvent, type Held, keysOf, type Rows, rowOf } from './fold.ts';
import { lockCheckpoints, moveCheckpoints, type TableRow } from './sql/projections.ts';
import type { OpenTable } from './tables.ts';

/** Another process moved the checkpoint, switched the table or dropped it. */
export class Superseded extends Error {
  override readonly name = 'Superseded';
}

/** A projection that cannot go on: its definition or its rows are wrong, and trying again will not help. */
export interface Failure {
  readonly table: OpenTable;
  readonly error: unknown;
}

export interface PageToApply {
  readonly events: readonly FoldedEvent[];
  readonly from: number;
  readonly to: number;
}

const lock = async (tx: Tx, tables: readonly OpenTable[], from: number): Promise<void> => {
  const { rows } = await tx.query<Pick<TableRow, 'id' | 'position' | 'state'>>({
    ...lockCheckpoints,
    values: [tables.map(({ id }) => id)],
  });
  if (rows.length < tables.length || rows.some((r) => r.position !== from || r.state === 'retired')) {
    throw new Superseded('another process has moved a checkpoint');
  }
};

const load = async (tx: Tx, { statements, known }: OpenTable, keys: readonly string[]): Promise<Rows> => {
  const { rows } = await tx.query<Record<string, unknown>>({ ...statements.load, values: [keys] });
  return new Map(
    rows.map((record): [string, Held] => [
      String(record[known.shape.key.name]),
      {
        row: rowOf(known.shape, record),
        version: Number(record._version),
        position: Number(record._position),
      },
    ]),
  );
};

/** Rows to be kept as one array a column, in the order of the statement `write`. */
const columnsOf = ({ definition, shape }: Known, kept: readonly Held[]): string[] => {
  const columns = shape.columns.map(({ name, kind }) =>
    kept.map(({ row }) => elementOf(kind, (row as Record<string, unknown>)[name])),
  );
  const subjects =
    shape.personal.length > 0 ? [kept.map(({ row }) => definition.subject(row as object))] : [];
  const engine = [kept.map(({ version }) => version), kept.map(({ position }) => position)];
  return [...columns, ...engine, ...subjects].map(arrayText);
};

const elementOf = (kind: ColumnKind, value: unknown): Element => {
  if (value === undefined || value === null) return null;
  return kind === 'json' || typeof value === 'object' ? JSON.stringify(value) : (value as Element);
};

const write = async (tx: Tx, { statements, known }: OpenTable, touched: Rows): Promise<void> => {
  const gone = [...touched].filter(([, { row }]) => row === undefined).map(([key]) => key);
  const kept = [...touched.values()].filter(({ row }) => row !== undefined);
  if (kept.length > 0) await tx.query({ ...statements.write, values: columnsOf(known, kept) });
  if (gone.length > 0) await tx.query({ ...statements.remove, values: [gone] });
};

const applyTo = async (tx: Tx, table: OpenTable, events: readonly FoldedEvent[]): Promise<void> => {
  const { definition } = table.known;
  const own = events.filter(({ type }) => definition.events.includes(type));
  const keys = new Set(own.flatMap((event) => keysOf(definition, event)));
  if (keys.size === 0) return;
  const rows = await load(tx, table, [...keys]);
  for (const event of own) foldEvent(definition, rows, event);
  await write(tx, table, rows);
};

/**
 * Whether the projection itself is at fault: its code threw, or its rows do not fit its table (classes 22,
 * 23 and 42). Faults of the connection, of locks and of the server say nothing about it.
 */
const isOwnFault = (error: unknown): boolean => {
  const state = sqlState(error);
  if (state !== undefined) return /^(22|23|42)/.test(state);
  return !(error instanceof Superseded) && !outcomeUnknown(error) && !provesRollback(error);
};

const applyAll = (pool: Db, tables: readonly OpenTable[], page: PageToApply): Promise<void> =>
  inTransaction(pool, async (tx) => {
    await lock(tx, tables, page.from);
    for (const table of tables) await applyTo(tx, table, page.events);
    await tx.query({ ...moveCheckpoints, values: [tables.map(({ id }) => id), page.to] });
  });

/**
 * Applies the page to all tables, which stand at `page.from`. Where that fails for a reason of one
 * projection's own, each is applied alone, so that it stops without stopping the others.
 *
 * @throws Superseded, and faults of the database that may pass.
 */
export const applyPage = async (
  pool: Db,
  tables: readonly OpenTable[],
  page: PageToApply,
): Promise<readonly Failure[]> => {
  try {
    await applyAll(pool, tables, page);
    return [];
  } catch (error) {
    if (!isOwnFault(error)) throw error;
    const [only] = tables;
    if (only !== undefined && tables.length === 1) return [{ table: only, error }];
  }
  const failures: Failure[] = [];
  for (const table of tables) failures.push(...(await applyPage(pool, [table], page)));
  return failures;
};
