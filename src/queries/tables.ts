/**
 * Makes, opens and drops read models: a row of the catalogue and a table, always both or neither.
 */
import type { Queryable, Tx } from '../db/pool.ts';
import type { Known } from './catalogue.ts';
import { deleteTables, insertBuilding, insertSnapshot, type TableRow } from './sql/projections.ts';
import { dropTable, type TableStatements, tableStatements } from './sql/table.ts';

/** A table that this program can fold events into: it has the shape of the definition in force. */
export interface OpenTable {
  readonly id: number;
  readonly known: Known;
  readonly tableName: string;
  readonly statements: TableStatements;
}

export const openTable = ({ id, tableName }: TableRow, known: Known): OpenTable => ({
  id,
  known,
  tableName,
  statements: tableStatements(id, tableName, known.shape),
});

/** Whether the table was made for this version and shape. */
export const fits = (row: TableRow, { definition, shape }: Known): boolean =>
  row.version === definition.version && row.shapeHash === shape.hash;

const identity = ({ definition, shape }: Known): readonly unknown[] => [
  definition.name,
  definition.version,
  shape.hash,
  JSON.stringify(shape.columns.map(({ name, kind, required }) => ({ name, kind, required }))),
];

const made = async (tx: Tx, row: TableRow | undefined, known: Known): Promise<TableRow | undefined> => {
  if (row !== undefined) await tx.query(openTable(row, known).statements.create);
  return row;
};

export const makeBuilding = async (tx: Tx, known: Known): Promise<TableRow> => {
  const { rows } = await tx.query<TableRow>({ ...insertBuilding, values: [...identity(known)] });
  return (await made(tx, rows[0], known)) as TableRow;
};

/** undefined: another process made it first. */
export const makeSnapshot = async (tx: Tx, known: Known, upTo: number): Promise<TableRow | undefined> => {
  const { rows } = await tx.query<TableRow>({ ...insertSnapshot, values: [...identity(known), upTo] });
  return made(tx, rows[0], known);
};

/** Of tables whose rows of the catalogue this transaction holds. */
export const dropTables = async (
  tx: Queryable,
  tables: readonly { readonly id: number; readonly tableName: string }[],
): Promise<void> => {
  for (const { tableName } of tables) await tx.query(dropTable(tableName));
  if (tables.length > 0) await tx.query({ ...deleteTables, values: [tables.map(({ id }) => id)] });
};
