/**
 * Conditions on rows as SQL. Values travel as parameters, cast to the type of their column; the table that
 * is looked at is called `row` unless told otherwise.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Column } from '../columns.ts';
import type { Condition, Filter } from '../filter.ts';
import type { Value } from '../values.ts';
import { sqlType } from './table.ts';

export type Sql = RawBuilder<unknown>;

export const field = (column: Column): Sql => sql`${sql.ref(column.name)}`;

export const typed = (column: Column, value: Value): Sql => sql`${value}::${sql.raw(sqlType(column))}`;

export const all = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql`true` : sql`(${sql.join(conditions, sql` AND `)})`;

export const any = (conditions: readonly Sql[]): Sql =>
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

export const conditionSql = (condition: Condition, table = 'row'): Sql => {
  const { column } = condition;
  const value = sql`${sql.ref(`${table}.${column.name}`)}`;
  switch (condition.operator) {
    case 'null':
      return condition.holds ? sql`${value} IS NULL` : sql`${value} IS NOT NULL`;
    case 'in':
      return sql`${value} = ANY (${condition.values.map(String)}::text[]::${sql.raw(sqlType(column))}[])`;
    default:
      return sql`${value} ${comparisons[condition.operator]} ${typed(column, condition.value)}`;
  }
};

export const filterSql = (filter: Filter, table: string): Sql =>
  all(filter.map((condition) => conditionSql(condition, table)));

/** The table to read: that of one row of the catalogue, while it still answers. */
export interface Source {
  readonly id: number;
  readonly tableName: string;
}

export const table = ({ tableName }: Source): Sql => sql`${sql.table(`read_models.${tableName}`)}`;
