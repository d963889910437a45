/**
 * Which table answers for a projection now. Remembered, and asked for again when a read finds that it no
 * longer answers: the projector may switch to a new version at any moment. While a new version is being
 * built, the old one answers, with those fields that it has in the same form.
 */
import type { Db } from '../db/pool.ts';
import { sqlState } from '../db/sqlstate.ts';
import { QuarterdeckError } from '../errors.ts';
import type { Known } from './catalogue.ts';
import type { Column, TableShape } from './columns.ts';
import type { Filter } from './filter.ts';
import { notBuiltYet } from './progress.ts';
import type { Sort } from './sort.ts';
import type { Source } from './sql/conditions.ts';
import { readLiveTable, type TableRow } from './sql/projections.ts';
import { fits } from './tables.ts';

/** A table as it can be read by the definition in force. */
export interface Readable extends Source {
  /** Fields of the definition that the table has. */
  readonly columns: ReadonlySet<string>;
}

export const readable = (row: TableRow, { shape }: Known): Readable => ({
  id: row.id,
  tableName: row.tableName,
  columns: new Set(
    shape.columns
      .filter(({ name, kind, required }) =>
        row.columns.some((c) => c.name === name && c.kind === kind && (c.required || !required)),
      )
      .map(({ name }) => name),
  ),
});

/** What of the wanted columns the table has. */
export const present = (table: Readable, columns: readonly Column[]): readonly Column[] =>
  columns.filter(({ name }) => table.columns.has(name));

/** @throws QuarterdeckError unavailable where a filter or order needs a field that is still being built. */
export const requireColumns = (table: Readable, shape: TableShape, filter: Filter, sort: Sort): void => {
  for (const { column } of [...filter, ...sort, { column: shape.key }]) {
    if (table.columns.has(column.name)) continue;
    throw new QuarterdeckError('unavailable', `The field ${column.name} is being built.`, {
      retryAfterSeconds: 2,
    });
  }
};

const switchesMax = 5;
/** undefined_table: it was dropped between being looked up and being read. */
export const isGone = (error: unknown): boolean => sqlState(error) === '42P01';

export interface LiveTables {
  /**
   * Reads from the table that answers now; `read` returns undefined where that one no longer does.
   * @throws QuarterdeckError unavailable where no version answers yet.
   */
  read<T>(known: Known, read: (table: Readable) => Promise<T | undefined>): Promise<T>;
  /** As `read`, from several tables at once, in the order given. */
  readAll<T>(
    known: readonly Known[],
    read: (tables: readonly Readable[]) => Promise<T | undefined>,
  ): Promise<T>;
  /** What was remembered of them may be out of date. */
  forget(known: readonly Known[]): void;
}

export const createLiveTables = (pool: Db): LiveTables => {
  const remembered = new Map<string, Readable>();

  const lookUp = async (known: Known): Promise<Readable> => {
    const { name } = known.definition;
    const { rows } = await pool.query<TableRow>({ ...readLiveTable, values: [name] });
    const [row] = rows;
    if (row === undefined) throw notBuiltYet(name);
    const table = readable(row, known);
    if (fits(row, known)) remembered.set(name, table);
    return table;
  };

  const forget: LiveTables['forget'] = (known) => {
    for (const { definition } of known) remembered.delete(definition.name);
  };

  const readAll: LiveTables['readAll'] = async (known, read) => {
    for (let n = 0; n < switchesMax; n++) {
      const tables: Readable[] = [];
      for (const one of known) tables.push(remembered.get(one.definition.name) ?? (await lookUp(one)));
      try {
        const result = await read(tables);
        if (result !== undefined) return result;
      } catch (error) {
        if (!isGone(error)) throw error;
      }
      forget(known);
    }
    throw notBuiltYet(known[0]?.definition.name ?? '');
  };

  return { readAll, forget, read: (known, read) => readAll([known], ([table]) => read(table as Readable)) };
};
