/**
 * What the rows that a permission reaches mean for one projection: its own narrowings, and those of the
 * projections that its rows belong to, along each way that leads there. A narrowing that has nothing to do
 * with the projection narrows nothing of it. One that this program does not understand (the policy is
 * another version's) lets nothing through.
 */
import { isEveryRow, type Narrowing, type Rows, systemPrincipal } from '../../access/principal.ts';
import { isQuarterdeckError } from '../../errors.ts';
import type { Catalogue, Known } from '../catalogue.ts';
import { type Filter, filterOfWhere } from '../filter.ts';

/** From a row to the one that it belongs to: its field holds that one's key. */
export interface Step {
  readonly field: string;
  readonly owner: Known;
}

/** The row at the end of the way, the row itself where it has no steps, meets one of the filters. */
export interface Requirement {
  readonly way: readonly Step[];
  readonly known: Known;
  readonly anyOf: readonly Filter[];
}

/** A row is reached where all requirements of one part hold; undefined: every row is. */
export type Scope = readonly (readonly Requirement[])[] | undefined;

export interface Scopes {
  of(known: Known, rows: Rows): Scope;
}

/** The projections other than the row's own that a scope looks at. */
export const ownersIn = (scope: Scope): readonly Known[] => [
  ...new Set((scope ?? []).flatMap((part) => part.flatMap(({ way }) => way.map(({ owner }) => owner)))),
];

/** A policy's own conditions may use every field. */
const filtersOf = ({ shape }: Known, { anyOf }: Narrowing): readonly Filter[] => {
  try {
    return anyOf.map((where) => filterOfWhere({ shape, principal: systemPrincipal }, where, 'rows'));
  } catch (error) {
    if (isQuarterdeckError(error)) return [];
    throw error;
  }
};

export const createScopes = (catalogue: Pick<Catalogue, 'find'>): Scopes => {
  const known = new WeakMap<Rows, Map<Known, Scope>>();

  const waysTo = (from: Known, projection: string): readonly (readonly Step[])[] => {
    const onward = from.definition.belongsTo.flatMap(({ projection: next, field }) => {
      const owner = catalogue.find(next);
      return owner === undefined ? [] : waysTo(owner, projection).map((way) => [{ field, owner }, ...way]);
    });
    return from.definition.name === projection ? [[], ...onward] : onward;
  };

  const requirementsOf = (of: Known, narrowing: Narrowing): readonly Requirement[] | undefined => {
    const target = catalogue.find(narrowing.projection);
    if (target === undefined) return undefined;
    const anyOf = filtersOf(target, narrowing);
    return waysTo(of, narrowing.projection).map((way) => ({ way, known: target, anyOf }));
  };

  const build = (of: Known, rows: Rows): Scope => {
    if (isEveryRow(rows)) return undefined;
    const parts = rows.flatMap((part) => {
      const requirements = part.map((narrowing) => requirementsOf(of, narrowing));
      return requirements.includes(undefined) ? [] : [requirements.flatMap((some) => some ?? [])];
    });
    return parts.some((part) => part.length === 0) ? undefined : parts;
  };

  return {
    of(of, rows) {
      const built = known.get(rows) ?? new Map<Known, Scope>();
      known.set(rows, built);
      if (!built.has(of)) built.set(of, build(of, rows));
      return built.get(of);
    },
  };
};
