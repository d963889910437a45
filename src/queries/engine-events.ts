/**
 * What reading writes into the log: who read which recorded fields of which rows.
 */
import { z } from 'zod';
import { defineEvent } from '../events/definition.ts';

/** The reserved stream. */
export const readsStream = '$reads';

/** Keys that one event names at most. */
export const keysMax = 1_000;

/** The reader is the actor in the metadata; `count` is how many rows, `keys` which. */
export const FieldsRead = defineEvent({
  type: 'FieldsRead',
  schema: z.object({
    projection: z.string(),
    fields: z.array(z.string()),
    count: z.number().int(),
    keys: z.array(z.string()).max(keysMax),
  }),
  refs: () => [],
});

/** A copy of a projection was taken. Names of fields only: what was filtered for may be personal. */
export const RowsExported = defineEvent({
  type: 'RowsExported',
  schema: z.object({
    projection: z.string(),
    fields: z.array(z.string()),
    filteredBy: z.array(z.string()),
    /** The log position that its first page reflects. */
    position: z.int().nonnegative(),
  }),
  refs: () => [],
});

export const queryEvents = [FieldsRead, RowsExported] as const;
