/**
 * The statements of one read model's table. Rows are loaded and written as whole sets: one statement each
 * for any number of rows, whose fields travel as one array a column. (As one JSON text they cost
 * PostgreSQL twice as much as the update itself: 12 µs a row instead of 8.)
 */
import { escapeIdentifier as quoted } from 'pg';
import type { Column, ColumnKind, TableShape } from '../columns.ts';

const sqlTypes: Readonly<Record<ColumnKind, string>> = {
  text: 'text',
  choice: 'text',
  time: 'text',
  date: 'text',
  integer: 'bigint',
  number: 'double precision',
  money: 'numeric',
  boolean: 'boolean',
  json: 'jsonb',
};

export const sqlType = (column: Column): string => sqlTypes[column.kind];

const typed = (column: Column): string => `${quoted(column.name)} ${sqlType(column)}`;

const defined = (column: Column): string =>
  typed(column) + (sqlType(column) === 'text' ? ' COLLATE "C"' : '') + (column.required ? ' NOT NULL' : '');

/** For this transaction: an index on many rows may take its time. */
export const withoutTimeout = "SELECT set_config('statement_timeout', '0', true)";

/** The name of a read model's table, ready to stand in a statement. */
export const tablePath = (tableName: string): string => `read_models.${quoted(tableName)}`;

export interface TableStatements {
  readonly create: string;
  /** Made after the table was filled: building an index at once is cheaper than row by row. */
  readonly finish: readonly string[];
  readonly drop: string;
  /** All rows of a table of the same shape. */
  readonly copyFrom: (tableName: string) => string;
  /** $1 keys. Not locked: whoever writes rows holds the table's row of the catalogue. */
  readonly load: { readonly name: string; readonly text: string };
  /** One array a column, in the order of `columns` and then of what the engine keeps beside them. */
  readonly write: { readonly name: string; readonly text: string };
  /** $1 keys. */
  readonly remove: { readonly name: string; readonly text: string };
}

export const dropTable = (tableName: string): string => `DROP TABLE IF EXISTS ${tablePath(tableName)}`;

export const tableStatements = (id: number, tableName: string, shape: TableShape): TableStatements => {
  const table = tablePath(tableName);
  const key = quoted(shape.key.name);
  const subject = shape.personal.length > 0;
  const names = [
    ...shape.columns.map(({ name }) => quoted(name)),
    '_version',
    '_position',
    ...(subject ? ['_subject'] : []),
  ];
  const types = [...shape.columns.map(sqlType), 'integer', 'bigint', ...(subject ? ['text'] : [])];
  const engine = `_version integer, _position bigint${subject ? ', _subject text' : ''}`;
  const indexed = shape.columns.filter(({ name, kind, notes }) => {
    return notes.index === true && kind !== 'json' && name !== shape.key.name;
  });
  return {
    create: `CREATE TABLE ${table} (${shape.columns.map(defined).join(', ')}, ${engine}, PRIMARY KEY (${key}))`,
    finish: [
      ...indexed.map(({ name }) => `CREATE INDEX ON ${table} (${quoted(name)}, ${key})`),
      ...(subject ? [`CREATE INDEX ON ${table} (_subject)`] : []),
      `ANALYZE ${table}`,
    ],
    drop: dropTable(tableName),
    copyFrom: (other) =>
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ${tablePath(other)}`,
    load: {
      name: `read_model_${id}_load`,
      text: `SELECT ${names.join(', ')} FROM ${table} WHERE ${key} = ANY ($1::text[])`,
    },
    write: {
      name: `read_model_${id}_write`,
      text: `INSERT INTO ${table} (${names.join(', ')})
        SELECT * FROM unnest(${types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')})
        ON CONFLICT (${key}) DO UPDATE SET
          ${names.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    },
    remove: {
      name: `read_model_${id}_remove`,
      text: `DELETE FROM ${table} WHERE ${key} = ANY ($1::text[])`,
    },
  };
};

/** $1 subject, $2 what stands for an erased text; personal fields of other kinds become empty. */
export const scrubRows = (tableName: string, { columns, personal }: TableShape): string => {
  const scrubbed = columns.filter(({ name }) => personal.includes(name));
  const assignments = scrubbed.map((column) => {
    const value =
      column.kind === 'text' ? `CASE WHEN ${quoted(column.name)} IS NOT NULL THEN $2 END` : 'NULL';
    return `${quoted(column.name)} = ${value}`;
  });
  return `UPDATE ${tablePath(tableName)} SET ${assignments.join(', ')} WHERE _subject = $1 AND $2::text IS NOT NULL`;
};
