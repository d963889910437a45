/**
 * Folding events into rows, in memory and pure. The projector, the rebuild and reads as of a moment all
 * fold here, so that they cannot disagree.
 */
import type { TableShape } from './columns.ts';
import type { FoldedEvent, ProjectionDefinition } from './definition.ts';

/** A row and what it was built from. */
export interface Held {
  /** undefined: there is no such row. */
  readonly row: object | undefined;
  /** Version of the row's one stream; 0 where it has several. */
  readonly version: number;
  /** Position of the last event that touched it. */
  readonly position: number;
}

/** Touched rows by key. */
export type Rows = Map<string, Held>;

const nothing: Held = { row: undefined, version: 0, position: 0 };

/** The keys that an event touches, each once; none where the projection does not read its type. */
export const keysOf = (definition: ProjectionDefinition, event: FoldedEvent): readonly string[] => {
  if (!definition.events.includes(event.type)) return [];
  const keys = definition.keys(event);
  return keys.length < 2 ? keys : [...new Set(keys)];
};

const evolved = (definition: ProjectionDefinition, held: Held, event: FoldedEvent, key: string): Held => {
  const result = definition.evolve(held.row, event, key);
  const row = result === undefined ? held.row : (result ?? undefined);
  if (row !== undefined && (row as Record<string, unknown>)[definition.keyField] !== key) {
    throw new Error(`${definition.name}: ${event.type} made of the row "${key}" one with another key`);
  }
  const version = definition.stream?.(key) === event.stream ? event.version : held.version;
  return { row, version, position: event.position };
};

/** Folds one event into the rows it touches. @throws whatever `keys` and `evolve` throw. */
export const foldEvent = (definition: ProjectionDefinition, rows: Rows, event: FoldedEvent): void => {
  for (const key of keysOf(definition, event)) {
    rows.set(key, evolved(definition, rows.get(key) ?? nothing, event, key));
  }
};

/** One event onto the row of that key, where it touches it. @throws whatever `keys` and `evolve` throw. */
export const foldOnto = (
  definition: ProjectionDefinition,
  held: Held,
  event: FoldedEvent,
  key: string,
): Held => (keysOf(definition, event).includes(key) ? evolved(definition, held, event, key) : held);

/** One row, from the events of the streams it is built from. */
export const foldRow = (
  definition: ProjectionDefinition,
  key: string,
  events: readonly FoldedEvent[],
): Held => {
  let held = nothing;
  for (const event of events) held = foldOnto(definition, held, event, key);
  return held;
};

/** What PostgreSQL returned for a row → the row that `evolve` knows: an absent value is left out or null. */
export const rowOf = (shape: TableShape, record: Readonly<Record<string, unknown>>): object => {
  const row: Record<string, unknown> = {};
  for (const { name, nullable } of shape.columns) {
    const value = record[name];
    if (value !== null && value !== undefined) row[name] = value;
    else if (nullable) row[name] = null;
  }
  return row;
};
