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
}

/** @throws Error when two definitions share a name, or one cannot have a table. */
export const createCatalogue = (definitions: readonly ProjectionDefinition[]): Catalogue => {
  const byName = new Map<string, Known>();
  for (const definition of definitions) {
    if (byName.has(definition.name)) throw new Error(`the projection ${definition.name} is defined twice`);
    byName.set(definition.name, { definition, shape: shapeOf(definition) });
  }
  return {
    all: [...byName.values()],
    get(name) {
      const known = byName.get(name);
      if (known === undefined) throw new QuarterdeckError('not_found', `There is no projection "${name}".`);
      return known;
    },
  };
};
