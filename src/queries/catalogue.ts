/**
 * The projections that this program knows, each with the shape of its table.
 */
import { QuarterdeckError } from '../errors.ts';
import { shapeOf, type TableShape } from './columns.ts';
import type { ProjectionDefinition } from './definition.ts';

export interface Known {
  readonly definition: ProjectionDefinition;
  readonly shape: TableShape;
}

export interface Catalogue {
  readonly all: readonly Known[];
  /** @throws QuarterdeckError not_found. */
  get(name: string): Known;
  find(name: string): Known | undefined;
}

/** Every owner is there, has the field's key, and nothing belongs to itself along any way. */
const assertBelongings = (byName: ReadonlyMap<string, Known>): void => {
  const follow = (name: string, seen: readonly string[]): void => {
    if (seen.includes(name)) throw new Error(`the projection ${name} belongs to itself`);
    for (const { projection, field } of byName.get(name)?.definition.belongsTo ?? []) {
      if (!byName.has(projection)) {
        throw new Error(`${name} belongs to ${projection} by ${field}, which is no projection`);
      }
      follow(projection, [...seen, name]);
    }
  };
  for (const name of byName.keys()) follow(name, []);
};

/** @throws Error when two definitions share a name, or one cannot have a table or belongs to nothing. */
export const createCatalogue = (definitions: readonly ProjectionDefinition[]): Catalogue => {
  const byName = new Map<string, Known>();
  for (const definition of definitions) {
    if (byName.has(definition.name)) throw new Error(`the projection ${definition.name} is defined twice`);
    byName.set(definition.name, { definition, shape: shapeOf(definition) });
  }
  assertBelongings(byName);
  return {
    all: [...byName.values()],
    find: (name) => byName.get(name),
    get(name) {
      const known = byName.get(name);
      if (known === undefined) throw new QuarterdeckError('not_found', `There is no projection "${name}".`);
      return known;
    },
  };
};
