/**
 * What a projection is: one value, from which come the table with typed columns, the list, get, export
 * and as-of endpoints, the OpenAPI entries and the console's table. `evolve` is pure.
 */
import type { z } from 'zod';
import type { EventData, NewEvent } from '../events/definition.ts';
import type { ClearEvent } from '../events/envelope.ts';

/** Notes on one field of a row; a field without notes is public, unindexed, filterable and sortable. */
export interface FieldNotes {
  /** Indexed for filter and sort. The key always is. */
  readonly index?: boolean;
  /** The permission without which the field is left out, and may not be filtered, sorted or selected. */
  readonly internal?: string;
  /** Personal data of the row's subject: in the clear in the read model, scrubbed when it is erased. */
  readonly personal?: boolean;
  /** Reads of this field are recorded as `FieldsRead`. */
  readonly recordReads?: boolean;
  /** A decimal amount as text (`"29.85"`): an exact numeric column, compared by value. */
  readonly money?: boolean;
  readonly description?: string;
}

/** An event as a projection sees it: the actor's e-mail, name, address and reason are not a row's to keep. */
export type FoldedEvent<Type extends string = string, Data = EventData> = ClearEvent<Type, Data>;

/**
 * `row` before the event (undefined: there is none) → the row after it, null where it is gone, undefined
 * where it stays as it was. A field that is absent and one that is null are the same.
 */
export type Evolve<Row, Event> = (row: Row | undefined, event: Event, key: string) => Row | null | undefined;

/** A row's field that holds the key of the row of another projection which it belongs to. */
export interface Belonging {
  readonly projection: string;
  readonly field: string;
}

export interface ProjectionDefinition<Row extends object = object> {
  /** Plural kebab-case; also its path: `/internal/v1/<name>`. */
  readonly name: string;
  readonly summary: string;
  /** Raise it when the schema or `evolve` changes: the projector rebuilds beside the old version. */
  readonly version: number;
  readonly schema: z.ZodObject;
  /** The field that is the row's key. */
  readonly keyField: string;
  readonly fields: Readonly<Record<string, FieldNotes>>;
  /**
   * Event types it reads; others never reach it. With `stream`, name every type of that stream: the row's
   * version, its ETag, is that of the last event read.
   */
  readonly events: readonly string[];
  /** Rows that the event touches. */
  readonly keys: (event: FoldedEvent) => readonly string[];
  readonly evolve: Evolve<Row, FoldedEvent>;
  /** The one stream a row is built from, so that its version is the row's ETag; undefined: several. */
  readonly stream: ((key: string) => string) | undefined;
  /** Every stream a row is built from, for a single row as of a moment. */
  readonly streams: (key: string) => readonly string[];
  readonly permission: string;
  /**
   * Rows that a row belongs to: row rules of the access policy over those cover it as well, and commands on
   * its stream.
   */
  readonly belongsTo: readonly Belonging[];
  /** Whose personal data the row's marked fields are. */
  readonly subject: (row: Row) => string;
}

/** The recorded form of each event of a union, as `evolve` gets it. */
export type RecordedOf<E> = E extends NewEvent<infer T, infer D> ? FoldedEvent<T, D> : never;

interface Options<Schema extends z.ZodObject, Event extends NewEvent> {
  readonly name: string;
  readonly summary: string;
  readonly version: number;
  readonly schema: Schema;
  readonly keyField: Extract<keyof z.output<Schema>, string>;
  readonly fields?: { readonly [K in keyof z.output<Schema>]?: FieldNotes };
  readonly events: readonly Event['type'][];
  readonly keys: (event: RecordedOf<Event>) => readonly string[];
  readonly evolve: Evolve<z.output<Schema>, RecordedOf<Event>>;
  readonly stream?: (key: string) => string;
  readonly streams?: (key: string) => readonly string[];
  readonly permission: string;
  readonly belongsTo?: readonly Belonging[];
  readonly subject?: (row: z.output<Schema>) => string;
}

/** Query words: a field may not bear such a name. */
export const queryWords = [
  'sort',
  'limit',
  'cursor',
  'fields',
  'asOf',
  'where',
  'format',
  'snapshot',
] as const;

/** Routes under `/internal/v1`, and what is rebuilt beside projections: none may bear such a name. */
export const reservedNames = [
  'me',
  'commands',
  'bulk-jobs',
  'approvals',
  'audit',
  'audit-index',
  'exports',
  'feed',
  'sessions',
  'webhooks',
  'policy',
  'reactors',
  'reconciliations',
] as const;

/** @throws Error when the definition contradicts itself or shadows a route or a query word. */
export const defineProjection = <Schema extends z.ZodObject, Event extends NewEvent>(
  options: Options<Schema, Event>,
): ProjectionDefinition<z.output<Schema>> => {
  const names = Object.keys(options.schema.shape);
  const shadowing = names.filter((name) => (queryWords as readonly string[]).includes(name));
  if (shadowing.length > 0)
    throw new Error(`projection ${options.name}: field ${shadowing[0]} is a query word`);
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(options.name) || options.name.length > 40) {
    throw new Error(`projection "${options.name}" needs a name in kebab-case of at most 40 characters`);
  }
  if ((reservedNames as readonly string[]).includes(options.name)) {
    throw new Error(`projection ${options.name} shadows the route of that name`);
  }
  if (options.stream === undefined && options.streams === undefined) {
    throw new Error(
      `projection ${options.name} names no stream, so no row of it could be read as of a moment`,
    );
  }
  const stray = options.belongsTo?.find(({ field }) => !names.includes(field));
  if (stray !== undefined)
    throw new Error(
      `projection ${options.name} belongs to ${stray.projection} by ${stray.field}: no such field`,
    );
  const { stream, keyField } = options;
  return {
    name: options.name,
    summary: options.summary,
    version: options.version,
    schema: options.schema,
    keyField,
    fields: (options.fields ?? {}) as Readonly<Record<string, FieldNotes>>,
    events: options.events,
    keys: options.keys as ProjectionDefinition['keys'],
    evolve: options.evolve as unknown as Evolve<z.output<Schema>, FoldedEvent>,
    stream,
    streams: options.streams ?? ((key) => (stream === undefined ? [] : [stream(key)])),
    permission: options.permission,
    belongsTo: options.belongsTo ?? [],
    subject: options.subject ?? ((row) => stream?.(String(row[keyField])) ?? String(row[keyField])),
  };
};
