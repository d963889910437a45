/**
 * Reading rows of a read model: one statement answers both the rows and the position they reflect, from
 * one snapshot. Nothing comes back where the table no longer answers for the projection; one line with an
 * empty key where it does but has no such rows.
 *
 * kysely composes and quotes; values travel as parameters, cast to the type of their column.
 */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { Column } from '../columns.ts';
import type { Place } from '../cursor.ts';
import type { Filter } from '../filter.ts';
import type { Sort, SortField } from '../sort.ts';
import type { Value } from '../values.ts';
import { all, any, conditionSql, field, type Source, type Sql, table, typed } from './conditions.ts';
import { answeringAll, type Reach, reachedPosition, reachedSql } from './reach.ts';

/** Compiles only: statements run on the pool or in the transaction of whoever asks. */
const compiler = new Kysely<Record<string, never>>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

const same = ({ column }: SortField, value: Value | null): Sql =>
  value === null ? sql`${field(column)} IS NULL` : sql`${field(column)} = ${typed(column, value)}`;

/** Strictly behind the value; null counts as the greatest. */
const behind = ({ column, descending }: SortField, value: Value | null): Sql => {
  if (descending)
    return value === null
      ? sql`${field(column)} IS NOT NULL`
      : sql`${field(column)} < ${typed(column, value)}`;
  if (value === null) return sql`false`;
  const greater = sql`${field(column)} > ${typed(column, value)}`;
  return column.required ? greater : sql`(${greater} OR ${field(column)} IS NULL)`;
};

const isWhole = (place: Place): place is readonly Value[] => place.every((value) => value !== null);

/**
 * Rows behind a place. In one direction it is one comparison of rows, which an index serves; descending
 * even where values may be missing, since those rows came first. Otherwise case by case.
 */
const after = (sort: Sort, place: Place): Sql => {
  const descending = sort[0]?.descending === true;
  const oneWay = sort.every((f) => f.descending === descending && (descending || f.column.required));
  if (oneWay && isWhole(place)) {
    const fields = sql.join(sort.map(({ column }) => field(column)));
    const values = sql.join(sort.map(({ column }, i) => typed(column, place[i] as Value)));
    return descending ? sql`(${fields}) < (${values})` : sql`(${fields}) > (${values})`;
  }
  return any(
    sort.map((f, i) =>
      all([...sort.slice(0, i).map((g, j) => same(g, place[j] ?? null)), behind(f, place[i] ?? null)]),
    ),
  );
};

const orderSql = (sort: Sort): Sql =>
  sql.join(
    sort.map(({ column, descending }) =>
      descending ? sql`${field(column)} DESC` : sql`${field(column)} ASC`,
    ),
  );

export interface RowsWanted {
  readonly source: Source;
  readonly reach: Reach;
  readonly columns: readonly Column[];
  readonly filter: Filter;
  readonly sort: Sort;
  readonly after: Place | undefined;
  readonly limit: number;
}

/** `_at` is the position. */
export const selectRows = ({
  source,
  reach,
  columns,
  filter,
  sort,
  after: place,
  limit,
}: RowsWanted): CompiledQuery => {
  const needed = [...new Set([...columns, ...sort.map(({ column }) => column)])];
  const conditions = [
    ...filter.map((condition) => conditionSql(condition)),
    ...(reach.scope === undefined ? [] : [reachedSql(reach)]),
    ...(place === undefined ? [] : [after(sort, place)]),
  ];
  return sql`SELECT ${reachedPosition(reach)} AS _at, page.* FROM ${answeringAll(source, reach)}
    LEFT JOIN LATERAL (
      SELECT ${sql.join(needed.map(field))} FROM ${table(source)} AS "row"
      WHERE ${all(conditions)} ORDER BY ${orderSql(sort)} LIMIT ${limit}
    ) AS page ON true ORDER BY ${orderSql(sort)}`.compile(compiler);
};

export const selectRow = (
  source: Source,
  reach: Reach,
  columns: readonly Column[],
  key: Column,
  value: string,
): CompiledQuery => {
  const needed = [...new Set([...columns, key])];
  return sql`SELECT ${reachedPosition(reach)} AS _at, found.* FROM ${answeringAll(source, reach)}
    LEFT JOIN LATERAL (
      SELECT ${sql.join(needed.map(field))}, _version FROM ${table(source)} AS "row"
      WHERE ${field(key)} = ${value} AND ${reachedSql(reach)}
    ) AS found ON true`.compile(compiler);
};

/** Of the rows that the filter selects. Nothing comes back where the table no longer answers. */
export const countRows = (source: Source, reach: Reach, filter: Filter): CompiledQuery =>
  sql`SELECT found.count FROM ${answeringAll(source, reach)} CROSS JOIN LATERAL (
      SELECT count(*) AS count FROM ${table(source)} AS "row"
      WHERE ${all([...filter.map((condition) => conditionSql(condition)), reachedSql(reach)])}
    ) AS found`.compile(compiler);
