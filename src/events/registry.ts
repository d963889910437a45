/**
 * The event types that this process knows, and the way from an old shape to the newest one. Upcasting
 * happens on read; what is stored never changes.
 */
import { QuarterdeckError } from '../errors.ts';
import type { EventData, EventDefinition } from './definition.ts';

export interface Registry {
  /** @throws QuarterdeckError `internal` for a type that no area defines. */
  get(type: string): EventDefinition;
  find(type: string): EventDefinition | undefined;
  readonly types: readonly string[];
  /** Data of an old schema version in the newest shape. A type nobody defines any more stays as it is. */
  upcast(type: string, schemaVersion: number, data: EventData): EventData;
}

/** @throws Error when two definitions share a type. */
export const createRegistry = (definitions: readonly EventDefinition[]): Registry => {
  const byType = new Map<string, EventDefinition>();
  for (const definition of definitions) {
    if (byType.has(definition.type)) throw new Error(`the event type ${definition.type} is defined twice`);
    byType.set(definition.type, definition);
  }
  return {
    types: [...byType.keys()],
    find: (type) => byType.get(type),
    get(type) {
      const definition = byType.get(type);
      if (definition === undefined)
        throw new QuarterdeckError('internal', `No event type "${type}" is defined.`);
      return definition;
    },
    upcast(type, schemaVersion, data) {
      const definition = byType.get(type);
      let newest = data;
      for (let v = schemaVersion; definition !== undefined && v < definition.schemaVersion; v++) {
        newest = definition.upcasters[v]?.(newest) ?? newest;
      }
      return newest;
    },
  };
};
