/** The rows that a principal reaches, as SQL: a predicate of the statement that reads them. */
import { sql } from 'kysely';
import type { Column } from '../columns.ts';
import type { Requirement, Scope } from '../scope/scope.ts';
import { all, any, filterSql, type Source, type Sql, table } from './conditions.ts';

const answering = ({ id }: Source): Sql =>
  sql`(SELECT position FROM projections WHERE id = ${id} AND state IN ('live', 'snapshot')) AS catalogue`;

/**
 * Which rows are reached, told by tables that answer now: `live` by the projection's name. A row read as of
 * a moment is reached where the row of its key is reached now.
 */
export interface Reach {
  readonly scope: Scope;
  readonly live: ReadonlyMap<string, Source>;
  /** Where the rows read are older ones: the projection whose live table tells, and the key of both. */
  readonly asOf?: { readonly projection: string; readonly key: Column };
}

export const everywhere: Reach = { scope: undefined, live: new Map() };

const tableOf = (live: Reach['live'], projection: string): Source => {
  const source = live.get(projection);
  if (source === undefined) throw new Error(`no table of ${projection} was looked up`);
  return source;
};

/** Each step of the way is a table of its own, `row1`, `row2` …, found by the key that the one before holds. */
const requirementSql = ({ way, known, anyOf }: Requirement, live: Reach['live'], at = 0): Sql => {
  const [step, ...onward] = way;
  const here = at === 0 ? 'row' : `row${at}`;
  if (step === undefined) return any(anyOf.map((filter) => filterSql(filter, here)));
  const { definition, shape } = step.owner;
  const source = tableOf(live, definition.name);
  const next = `row${at + 1}`;
  const rest = requirementSql({ way: onward, known, anyOf }, live, at + 1);
  return sql`EXISTS (SELECT FROM ${table(source)} AS ${sql.ref(next)}
    WHERE ${sql.ref(`${next}.${shape.key.name}`)} = ${sql.ref(`${here}.${step.field}`)} AND ${rest})`;
};

export const reachedSql = ({ scope, live, asOf }: Reach): Sql => {
  if (scope === undefined) return sql`true`;
  const reached = any(scope.map((part) => all(part.map((one) => requirementSql(one, live)))));
  if (asOf === undefined) return reached;
  const key = sql.ref(`row.${asOf.key.name}`);
  return sql`${key} IN (SELECT ${key} FROM ${table(tableOf(live, asOf.projection))} AS "row" WHERE ${reached})`;
};

/** Nothing comes back where one of the tables no longer answers. */
export const answeringAll = (source: Source, { live }: Reach): Sql => {
  const others = [...live.values()].map(
    ({ id }, n) =>
      sql`(SELECT position FROM projections WHERE id = ${id} AND state = 'live') AS ${sql.ref(`live${n}`)}`,
  );
  return sql.join([answering(source), ...others], sql` CROSS JOIN `);
};

/** What all tables have reached. */
export const reachedPosition = ({ live }: Reach): Sql => {
  const others = [...live.keys()].map((_, n) => sql`${sql.ref(`live${n}.position`)}`);
  return others.length === 0
    ? sql`catalogue.position`
    : sql`least(${sql.join([sql`catalogue.position`, ...others])})`;
};
