/**
 * What the log keeps of bulk jobs. `$bulk-<id>` is a job's control stream: accepting, pausing, resuming
 * and cancelling write it and nothing else does, so that its version is a condition of all the job's
 * work. `$bulk-items-<id>` holds the rounds and the end, from which a job can be proven item by item.
 */
import { z } from 'zod';
import { defineEvent } from '../events/definition.ts';
import { personal } from '../events/personal.ts';
import { priorities } from './conduct.ts';
import { outcomes, sources } from './request.ts';

export const controlStream = (jobId: string): string => `$bulk-${jobId}`;
export const itemsStream = (jobId: string): string => `$bulk-items-${jobId}`;

const jobId = z.string();
const job = (data: { jobId: string }): readonly string[] => [controlStream(data.jobId)];

/** Label, filter and common input are free text and may name people: sealed under the requester's key. */
export const BulkJobAccepted = defineEvent({
  type: 'BulkJobAccepted',
  schema: z.object({
    jobId,
    command: z.string(),
    source: z.enum(sources),
    total: z.int().nonnegative(),
    dryRun: z.boolean(),
    requestedBy: z.string(),
    label: personal(z.string()).optional(),
    where: personal(z.record(z.string(), z.unknown())).optional(),
    input: personal(z.record(z.string(), z.unknown())).optional(),
    /** With `where`: the position at or beyond which it was evaluated. */
    frozenAt: z.int().optional(),
    retryOf: z.string().optional(),
    startAt: z.string().optional(),
    priority: z.enum(priorities).optional(),
    maxRate: z.number().optional(),
    maxFailureRatio: z.number().optional(),
    /** The dry run whose items are run. */
    from: z.string().optional(),
    /** The job that is undone. */
    undoOf: z.string().optional(),
  }),
  refs: job,
  subject: (data) => data.requestedBy,
});

/** `reason`: why it paused itself; absent where somebody paused it. */
export const BulkJobPaused = defineEvent({
  type: 'BulkJobPaused',
  schema: z.object({ jobId, reason: z.string().optional() }),
  refs: job,
});

export const BulkJobResumed = defineEvent({
  type: 'BulkJobResumed',
  schema: z.object({ jobId }),
  refs: job,
});

/** `cancelled`: how many items had not been decided. */
export const BulkJobCancelled = defineEvent({
  type: 'BulkJobCancelled',
  schema: z.object({ jobId, cancelled: z.int().nonnegative() }),
  refs: job,
});

const decided = z.object({
  index: z.int().nonnegative(),
  target: z.string().nullable(),
  outcome: z.enum(outcomes),
  code: z.string().optional(),
  positions: z.array(z.int()),
});

/** One round: the events of its items stand right before it in the log. */
export const BulkItemsDecided = defineEvent({
  type: 'BulkItemsDecided',
  schema: z.object({
    jobId,
    chunk: z.int(),
    round: z.int(),
    /** Of the streams that the targets name: `account`. */
    prefix: z.string(),
    items: z.array(decided),
  }),
  // Items that changed something are found by their own events.
  refs: ({ jobId, prefix, items }) => [
    controlStream(jobId),
    ...items.flatMap(({ target, positions }) =>
      target === null || positions.length > 0 ? [] : [`${prefix}-${target}`],
    ),
  ],
});

/**
 * Of a dry run by somebody who reaches some rows only: targets that it called missing or out of reach. What it
 * tells of ids is recorded like what the commands themselves would tell.
 */
export const BulkTargetsNotReached = defineEvent({
  type: 'BulkTargetsNotReached',
  schema: z.object({ jobId, chunk: z.int(), prefix: z.string(), targets: z.array(z.string()) }),
  refs: ({ jobId, prefix, targets }) => [
    controlStream(jobId),
    ...targets.map((target) => `${prefix}-${target}`),
  ],
});

export const BulkJobFinished = defineEvent({
  type: 'BulkJobFinished',
  schema: z.object({
    jobId,
    state: z.enum(['completed', 'completed-with-failures', 'cancelled']),
    counts: z.record(z.enum(outcomes), z.int().nonnegative()),
  }),
  refs: job,
});

export const bulkEvents = [
  BulkJobAccepted,
  BulkJobPaused,
  BulkJobResumed,
  BulkJobCancelled,
  BulkItemsDecided,
  BulkTargetsNotReached,
  BulkJobFinished,
] as const;
