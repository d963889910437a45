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
    /** Whether personal fields were shown, as far as there were any. */
    personal: z.boolean().optional(),
    /** With the means to prove that it is whole. */
    provable: z.boolean().optional(),
  }),
  refs: ({ filter }) => (filter.stream === undefined ? [] : [filter.stream]),
});

export const StreamReplayed = defineEvent({
  type: 'StreamReplayed',
  schema: z.object({
    stream: z.string(),
    upTo: z.int().nonnegative(),
    /** Whether personal fields were shown. */
    personal: z.boolean().optional(),
  }),
  refs: ({ stream }) => [stream],
});

/** Streams that one event names at most. */
export const streamsMax = 1_000;

/** Whose personal data was shown by searches, or by the feed, of one reader within a minute. */
export const EventFieldsRead = defineEvent({
  type: 'EventFieldsRead',
  schema: z.object({
    through: z.enum(['search', 'feed']),
    /** `NoteAdded.text`; `metadata.reason`. */
    fields: z.array(z.string()),
    count: z.int().nonnegative(),
    streams: z.array(z.string()).max(streamsMax),
  }),
  refs: ({ streams }) => streams,
});

/** All rows as of a position are kept under a name until then, unless it is dropped before. */
export const SnapshotBuilt = defineEvent({
  type: 'SnapshotBuilt',
  schema: z.object({ name: z.string(), position: z.int().nonnegative(), expiresAt: z.string() }),
  refs: () => [],
});

export const SnapshotDropped = defineEvent({
  type: 'SnapshotDropped',
  schema: z.object({
    name: z.string(),
    position: z.int().nonnegative(),
    why: z.enum(['asked', 'expired']),
  }),
  refs: () => [],
});

/** A key signs the log from now on; checkpoints before it are checked with the keys before it. */
export const LogKeyIntroduced = defineEvent({
  type: 'LogKeyIntroduced',
  schema: z.object({ vkey: z.string(), size: z.int().nonnegative() }),
  refs: () => [],
});

/** Positions behind `after` up to and with `upTo` were hashed anew and are as they were sealed. */
export const LogChecked = defineEvent({
  type: 'LogChecked',
  schema: z.object({ after: z.int().nonnegative(), upTo: z.int().nonnegative() }),
  refs: () => [],
});

/**
 * An older backup was restored on purpose: `signed` events had been signed (their root in base64), and the log had
 * `head` of its own when somebody accepted that, whose words are the reason. `keptAs`: where the checkpoint is kept.
 */
export const LogSetBack = defineEvent({
  type: 'LogSetBack',
  schema: z.object({
    signed: z.int().positive(),
    root: z.string(),
    head: z.int().nonnegative(),
    keptAs: z.string(),
  }),
  refs: () => [],
});

export const LogFaultFound = defineEvent({
  type: 'LogFaultFound',
  schema: z.object({
    kind: z.enum(['altered', 'missing', 'truncated', 'forked']),
    position: z.int().nonnegative(),
  }),
  refs: () => [],
});

/** Positions behind `after` up to and with `upTo`, and the file of the archive. */
const archivedRange = z.object({
  after: z.int().nonnegative(),
  upTo: z.int().positive(),
  file: z.string(),
});

/** Positions behind `after` up to and with `upTo` lie in a file elsewhere, which was read back and proven. */
export const LogArchived = defineEvent({
  type: 'LogArchived',
  schema: archivedRange.extend({ bytes: z.int().positive(), sha256: z.string() }),
  refs: () => [],
});

/**
 * Data and metadata of these events are in the database no more and are read from that file. `uncovered`: of its
 * streams, those whose state is read from there too, because their subject is erased.
 */
export const LogDetached = defineEvent({
  type: 'LogDetached',
  schema: archivedRange.extend({
    streams: z.int().nonnegative(),
    uncovered: z.int().nonnegative(),
  }),
  refs: () => [],
});

/** What was detached is in the database again. */
export const LogAttached = defineEvent({ type: 'LogAttached', schema: archivedRange, refs: () => [] });

/** What was detached was let go: the file is all there is of it. */
export const LogDropped = defineEvent({ type: 'LogDropped', schema: archivedRange, refs: () => [] });

export const auditEvents = [
  EventsExported,
  StreamReplayed,
  EventFieldsRead,
  LogKeyIntroduced,
  LogChecked,
  LogFaultFound,
  LogSetBack,
  LogArchived,
  LogDetached,
  LogAttached,
  LogDropped,
  SnapshotBuilt,
  SnapshotDropped,
] as const;
