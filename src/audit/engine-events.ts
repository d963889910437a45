/** What auditing writes into the log: the audit of the auditors. On the reserved stream `$audit`. */
import { z } from 'zod';
import { defineEvent } from '../events/definition.ts';

export const auditStream = '$audit';

export const EventsExported = defineEvent({
  type: 'EventsExported',
  schema: z.object({
    format: z.enum(['ndjson', 'csv']),
    filter: z.record(z.string(), z.string()),
    /** Positions looked through: behind `after`, up to and with `upTo`. */
    after: z.int().nonnegative(),
    upTo: z.int().nonnegative(),
  }),
  refs: ({ filter }) => (filter.stream === undefined ? [] : [filter.stream]),
});

export const StreamReplayed = defineEvent({
  type: 'StreamReplayed',
  schema: z.object({ stream: z.string(), upTo: z.int().nonnegative() }),
  refs: ({ stream }) => [stream],
});

export const auditEvents = [EventsExported, StreamReplayed] as const;
