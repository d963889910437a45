/**
 * What an event type is: one value per type, from which the codec, the upcasters, the audit search and
 * the documentation take what they need.
 */
import type { z } from 'zod';
import { personalFields } from './personal.ts';

export type EventData = Readonly<Record<string, unknown>>;

/** Turns data of schema version n into data of version n + 1. Pure. */
export type Upcaster = (data: EventData) => EventData;

export interface EventDefinition<Type extends string = string, Schema extends z.ZodObject = z.ZodObject> {
  readonly type: Type;
  /** From 1; `upcasters` has an entry for every version below it. */
  readonly schemaVersion: number;
  readonly schema: Schema;
  /** Every id the event is about (`account-7590-VHVEG`, `invoice-17`), as stream names. */
  readonly refs: (data: z.output<Schema>) => readonly string[];
  /** Whose personal data the marked fields are; required when a field is marked. */
  readonly subject?: (data: z.output<Schema>) => string;
  readonly personal: readonly string[];
  /**
   * The permission of whoever may read its personal fields where the log is shown (audit, replay): that of the
   * rows they are part of. Without it only `audit:all-fields` shows them.
   */
  readonly permission?: string;
  /** Fields that are left out without their permission, wherever the log is shown. */
  readonly internal: Readonly<Record<string, string>>;
  readonly upcasters: Readonly<Record<number, Upcaster>>;
  /** Builds a new event of this type, to be returned by a decider. */
  readonly of: (data: z.output<Schema>) => NewEvent<Type, z.output<Schema>>;
}

/** An event as a decider returns it: not yet recorded. */
export interface NewEvent<Type extends string = string, Data = EventData> {
  readonly type: Type;
  readonly data: Data;
}

/** The event that `definition.of` builds; `EventOf<typeof AccountOpened>`. */
export type EventOf<D> = D extends EventDefinition<infer T, infer S> ? NewEvent<T, z.output<S>> : never;

interface Options<Type extends string, Schema extends z.ZodObject> {
  readonly type: Type;
  readonly schema: Schema;
  readonly refs: (data: z.output<Schema>) => readonly string[];
  readonly schemaVersion?: number;
  readonly subject?: (data: z.output<Schema>) => string;
  readonly permission?: string;
  readonly internal?: { readonly [K in keyof z.output<Schema>]?: string };
  readonly upcasters?: Readonly<Record<number, Upcaster>>;
}

/** @throws Error when the definition contradicts itself: a missing upcaster, a mark without a subject, a stray note. */
export const defineEvent = <Type extends string, Schema extends z.ZodObject>(
  options: Options<Type, Schema>,
): EventDefinition<Type, Schema> => {
  const { type, schema, refs, schemaVersion = 1, upcasters = {} } = options;
  const personal = personalFields(schema);
  if (personal.length > 0 && options.subject === undefined) {
    throw new Error(`event ${type} has personal fields (${personal.join(', ')}) but no subject`);
  }
  const internal = (options.internal ?? {}) as Readonly<Record<string, string>>;
  const stray = Object.keys(internal).find((name) => !(name in schema.shape));
  if (stray !== undefined) throw new Error(`event ${type} has no field ${stray} that could be internal`);
  for (let version = 1; version < schemaVersion; version++) {
    if (upcasters[version] === undefined)
      throw new Error(`event ${type} has no upcaster from version ${version}`);
  }
  const definition = {
    type,
    schema,
    refs,
    schemaVersion,
    upcasters,
    personal,
    internal,
    of: (data: z.output<Schema>) => ({ type, data }),
  };
  return {
    ...definition,
    ...(options.subject === undefined ? {} : { subject: options.subject }),
    ...(options.permission === undefined ? {} : { permission: options.permission }),
  };
};
