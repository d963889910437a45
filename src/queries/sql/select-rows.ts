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
  type RawBuilder,
  sql,
} from 'kysely';
import type { Column } from '../columns.ts';
import type { Place } from '../cursor.ts';
import type { Condition, Filter } from '../filter.ts';
import type { Sort, SortField } from '../sort.ts';
import type { Value } from '../values.ts';
import { sqlType } from './table.ts';

/** Compiles only: statements run on the pool or in the transaction of whoever asks. */
const compiler = new Kysely<Record<string, never>>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

type Sql = RawBuilder<unknown>;

const field = (column: Column): Sql => sql`${sql.ref(column.name)}`;

const typed = (column: Column, value: Value): Sql => sql`${value}::${sql.raw(sqlType(column))}`;

const all = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` AND `)})`;

const any = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql`false` : sql`(${sql.join(conditions, sql` OR `)})`;

const comparisons = {
  eq: sql`=`,
  ne: sql`IS DISTINCT FROM`,
  lt: sql`<`,
  lte: sql`<=`,
  gt: sql`>`,
  gte: sql`>=`,
  prefix: sql`^@`,
} as const;

const conditionSql = (condition: Condition): Sql => {
  const { column } = condition;
  switch (condition.operator) {
    case 'null':
      return condition.holds ? sql`${field(column)} IS NULL` : sql`${field(column)} IS NOT NULL`;
    case 'in':
      return sql`${field(column)} = ANY (${condition.values.map(String)}::text[]::${sql.raw(sqlType(column))}[])`;
    default:
      return sql`${field(column)} ${comparisons[condition.operator]} ${typed(column, condition.value)}`;
  }
};

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

/** The table to read: that of one row of the catalogue, while it still answers. */
export interface Source {
  readonly id: number;
  readonly tableName: string;
}

const answering = ({ id }: Source): Sql =>
  sql`(SELECT position FROM projections WHERE id = ${id} AND state IN ('live', 'snapshot')) AS catalogue`;

const table = ({ tableName }: Source): Sql => sql`${sql.table(`read_models.${tableName}`)}`;

export interface RowsWanted {
  readonly source: Source;
  readonly columns: readonly Column[];
  readonly filter: Filter;
  readonly sort: Sort;
  readonly after: Place | undefined;
  readonly limit: number;
}

/** `_at` is the position. */
export const selectRows = ({
  source,
  columns,
  filter,
  sort,
  after: place,
  limit,
}: RowsWanted): CompiledQuery => {
  const needed = [...new Set([...columns, ...sort.map(({ column }) => column)])];
  const conditions = [...filter.map(conditionSql), ...(place === undefined ? [] : [after(sort, place)])];
  return sql`SELECT catalogue.position AS _at, page.* FROM ${answering(source)}
    LEFT JOIN LATERAL (
      SELECT ${sql.join(needed.map(field))} FROM ${table(source)}
      WHERE ${all(conditions)} ORDER BY ${orderSql(sort)} LIMIT ${limit}
    ) AS page ON true ORDER BY ${orderSql(sort)}`.compile(compiler);
};

export const selectRow = (
  source: Source,
  columns: readonly Column[],
  key: Column,
  value: string,
): CompiledQuery => {
  const needed = [...new Set([...columns, key])];
  return sql`SELECT catalogue.position AS _at, found.* FROM ${answering(source)}
    LEFT JOIN LATERAL (
      SELECT ${sql.join(needed.map(field))}, _version FROM ${table(source)} WHERE ${field(key)} = ${value}
    ) AS found ON true`.compile(compiler);
};
