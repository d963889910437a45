/**
 * From the rows that a question may be about to what the statement needs to know of them: the scope, and
 * the tables that answer now for the projections that it looks at.
 */
import type { Rows } from '../../access/principal.ts';
import type { Known } from '../catalogue.ts';
import { isGone, type LiveTables, type Readable, requireColumns } from '../live-tables.ts';
import { everywhere, type Reach } from '../sql/reach.ts';
import { ownersIn, type Scope, type Scopes } from './scope.ts';

export interface Reaching {
  readonly scope: Scope;
  /** Projections whose live tables the predicate looks at, beside the one that is read. */
  readonly owners: readonly Known[];
  /** Reads the live table of the projection; the predicate goes into the statement. */
  readNow<T>(read: (source: Readable, reach: Reach) => Promise<T | undefined>): Promise<T>;
  /** Reads a table of older rows: reached is what is reached now. undefined: one of the tables is gone. */
  readAsOf<T>(
    source: Readable,
    read: (source: Readable, reach: Reach) => Promise<T | undefined>,
  ): Promise<T | undefined>;
}

/** @throws QuarterdeckError unavailable where a column of a rule is still being built. */
const requireRuled = (scope: Scope, known: readonly Known[], tables: readonly Readable[]): void => {
  for (const { known: ruled, anyOf } of (scope ?? []).flat()) {
    const table = tables[known.indexOf(ruled)];
    if (table !== undefined) for (const filter of anyOf) requireColumns(table, ruled.shape, filter, []);
  }
};

const byName = (known: readonly Known[], tables: readonly Readable[]): ReadonlyMap<string, Readable> =>
  new Map(known.map(({ definition }, n) => [definition.name, tables[n] as Readable]));

export const createReaching =
  (liveTables: LiveTables, scopes: Scopes) =>
  (known: Known, rows: Rows): Reaching => {
    const scope = scopes.of(known, rows);
    const owners = ownersIn(scope);
    return {
      scope,
      owners,
      readNow: (read) =>
        liveTables.readAll([known, ...owners], (tables) => {
          requireRuled(scope, [known, ...owners], tables);
          return read(tables[0] as Readable, { scope, live: byName(owners, tables.slice(1)) });
        }),
      readAsOf: async (source, read) => {
        if (scope === undefined) return read(source, everywhere);
        const all = [known, ...owners];
        const asOf = { projection: known.definition.name, key: known.shape.key };
        const { found } = await liveTables.readAll(all, async (tables) => {
          requireRuled(scope, all, tables);
          const reach = { scope, live: byName(all, tables), asOf };
          return { found: await read(source, reach).catch(unlessGone) };
        });
        if (found === undefined) liveTables.forget(all);
        return found;
      },
    };
  };

const unlessGone = (error: unknown): undefined => {
  if (!isGone(error)) throw error;
};

export type ReachingOf = ReturnType<typeof createReaching>;
