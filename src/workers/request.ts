/**
 * Bulk work as its callers see it: what they send, what they get. Nothing here knows HTTP; whoever calls
 * (the API, the demo import, a script) gets values or a `QuarterdeckError`. Every method checks the
 * principal's permission first: `bulk:run` and the command's own to start, `bulk:run` to pause, resume and
 * cancel (anybody who runs bulk work may stop it), `bulk:read` to look.
 */
import type { Origin } from '../access/origin.ts';
import type { FieldError } from '../errors.ts';
import type { ActorRef, Timestamp } from '../events/envelope.ts';
import type { Priority } from './conduct.ts';
import type { Preview } from './preview/request.ts';
import type { Verified } from './proof/verify.ts';
import type { ReadAs } from './sources/source.ts';

export const jobStates = [
  'accepted',
  'awaiting-approval',
  'running',
  'paused',
  'cancelling',
  'cancelled',
  'completed',
  'completed-with-failures',
  'failed',
] as const;

export type JobState = (typeof jobStates)[number];

export const outcomes = ['succeeded', 'unchanged', 'rejected', 'failed', 'skipped', 'cancelled'] as const;

/** What a job's items come from. */
export const sources = ['targets', 'where', 'csv', 'ndjson', 'xlsx', 'retry', 'dry-run', 'undo'] as const;

export type Outcome = (typeof outcomes)[number];

/** The job as it is answered, not wrapped. The outcomes sum to `total` once it has ended. */
export interface BulkJob extends Readonly<Record<Outcome, number>> {
  readonly id: string;
  readonly command: string;
  readonly label: string | null;
  readonly state: JobState;
  readonly dryRun: boolean;
  readonly requestedBy: ActorRef & { readonly name?: string; readonly email?: string };
  readonly requestedAt: Timestamp;
  readonly startedAt: Timestamp | null;
  readonly finishedAt: Timestamp | null;
  readonly total: number;
  /** Items decided a second since it started or was resumed; over its whole run once it has ended. */
  readonly ratePerSecond: number | null;
  /** null while nothing can be said, and once it has ended. */
  readonly etaSeconds: number | null;
  /** The last event of the job's work: a query that waits for it shows every effect so far. */
  readonly position: number;
  readonly source: (typeof sources)[number];
  /** With an upload: how it was read. */
  readonly readAs?: ReadAs;
  /** With an effect that is delivered: it completes when every one is settled. */
  readonly effects?: { readonly pending: number; readonly applied: number; readonly notApplied: number };
  /** Why the job paused itself: `requester_not_permitted`, `failure_ratio_exceeded`, `command_not_available`. */
  readonly pausedReason?: string;
  readonly where?: Readonly<Record<string, unknown>>;
  /** Why, as whoever asked for it said. */
  readonly reason?: string;
  /** With `where`: the log position at or beyond which it was evaluated. */
  readonly frozenAt?: number;
  /** The job whose failed items this one tries again. */
  readonly retryOf?: string;
  /** Its share of the workers beside other jobs. */
  readonly priority: Priority;
  /** Until then it is `accepted` and nothing of it runs. */
  readonly startAt?: Timestamp;
  /** Items decided a second at most, over all processes. */
  readonly maxRate?: number;
  /** It pauses itself where more of what was decided failed or was rejected. */
  readonly maxFailureRatio?: number;
  /** Since when results are answered no more; counts and the log remain. */
  readonly resultsExpiredAt?: Timestamp;
  /** The dry run whose items this one runs for real. */
  readonly from?: string;
  /** The job that this one undoes. */
  readonly undoOf?: string;
  /** The job that undoes this one, the newest of them; dry runs of it do not count. */
  readonly undoneBy?: string;
}

/** One item and what became of it; `index` counts from 0 in the order given. */
export interface ItemResult {
  readonly index: number;
  /** Line of the upload at which the item begins, from 1. */
  readonly line?: number;
  readonly target: string | null;
  readonly outcome: Outcome;
  /** The rule's code, `invalid_input`, `not_found`, `not_permitted` … */
  readonly code?: string;
  readonly message?: string;
  /** The first field at fault; all of them in `errors`. */
  readonly path?: string;
  readonly errors?: readonly FieldError[];
  /** Positions of the item's events in the log; empty in a dry run. */
  readonly positions: readonly number[];
  /** In a dry run: types of the events that there would be. */
  readonly wouldAppend?: readonly string[];
}

export interface JobPage {
  readonly data: readonly BulkJob[];
  readonly nextCursor: string | null;
  readonly position: number;
}

export interface ResultPage {
  readonly data: readonly ItemResult[];
  /** The index of the last item of the page, as text; null at the end of what is decided so far. */
  readonly nextCursor: string | null;
  readonly position: number;
}

interface Acceptance extends Origin {
  readonly idempotencyKey?: string;
  readonly reason?: string;
  readonly reference?: string;
}

/**
 * `{command, input?, targets or where, dryRun?}`, or `{from, evenIfChanged?}` for what a dry run looked at; with either
 * `{label?, expectedCount?, startAt?, priority?, maxRate?, maxFailureRatio?}`. As parsed: it is validated here.
 */
export interface JobRequest extends Acceptance {
  readonly body: unknown;
}

export const uploadTypes = [
  'text/csv',
  'application/x-ndjson',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
] as const;

export type UploadType = (typeof uploadTypes)[number];

/** A body that is read as it arrives, never whole. */
export interface UploadRequest extends Acceptance {
  readonly mediaType: UploadType;
  /** The `charset` of the media type, where it has one. */
  readonly charset?: string;
  /**
   * `command`, `map`, `input` (both JSON), `dryRun`, `label`, `expectedCount`, `encoding`, `delimiter`, `decimal`,
   * `sheet`, as they came.
   */
  readonly query: Readonly<Record<string, string>>;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface Accepted {
  readonly job: BulkJob;
  /** The idempotency key had been used for this very request: the job is the one accepted then. */
  readonly replayed: boolean;
}

export interface Accepting {
  fromBody(request: JobRequest): Promise<Accepted>;
  fromUpload(request: UploadRequest): Promise<Accepted>;
}

export interface ListRequest extends Origin {
  readonly states?: readonly string[];
  readonly command?: string;
  /** 50 unless told; at most 200. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface ResultsRequest extends Origin {
  readonly id: string;
  readonly outcome?: string;
  /** 100 unless told; at most 1,000. Of `results` only. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface SteerRequest extends Acceptance {
  readonly id: string;
}

/** To try items of an ended job again: as they were given, or with corrected input. */
export interface RetryRequest extends SteerRequest {
  /** `{outcomes?, label?, startAt?, priority?, maxRate?, maxFailureRatio?}`, as parsed: it is validated here. */
  readonly body?: Readonly<Record<string, unknown>>;
  /** Its query: `outcomes`, `match`, `map` and what a body has, as they came. */
  readonly upload?: Pick<UploadRequest, 'mediaType' | 'charset' | 'query' | 'content'>;
}

/** `{dryRun?, label?, expectedCount?}`, as parsed. */
export interface UndoRequest extends SteerRequest {
  readonly body: unknown;
}

/** Steering what has ended is `rejected` with `job_ended`; what is in the wanted state already is left as it is. */
export interface BulkJobs {
  list(request: ListRequest): Promise<JobPage>;
  get(request: Origin & { readonly id: string }): Promise<BulkJob>;
  results(request: ResultsRequest): Promise<ResultPage>;
  /** What a dry run found; of any other job `rejected` with `not_a_dry_run`. */
  preview(request: Origin & { readonly id: string }): Promise<Preview>;
  /** Everything decided, by index; bounded in memory. Refuses before the first row is asked for. */
  allResults(request: ResultsRequest): Promise<AsyncIterable<readonly ItemResult[]>>;
  pause(request: SteerRequest): Promise<BulkJob>;
  resume(request: SteerRequest): Promise<BulkJob>;
  cancel(request: SteerRequest): Promise<BulkJob>;
  /** A new job over the items that failed or, where asked or corrected, were rejected. */
  retryFailed(request: RetryRequest): Promise<Accepted>;
  /** A new job that takes back what this one did, by the inverse of its command. */
  undo(request: UndoRequest): Promise<Accepted>;
}

export interface Bulk {
  readonly accept: Accepting;
  readonly jobs: BulkJobs;
  /**
   * Proves a job from the log alone; see `proof/`. Asks nobody's permission: it is for the command line.
   * @throws QuarterdeckError not_found.
   */
  verify(jobId: string): Promise<Verified>;
  /** Jobs that changed, at most ten times a second; whoever passes them on checks `bulk:read`. */
  onProgress(listener: (jobs: readonly BulkJob[]) => void): () => void;
  /** A notification on `bulkChannel` arrived from another process; its payload is a job's id. */
  heard(jobId: string): void;
  /** Runs relay and workers; an API process that only accepts does not call it. */
  start(): Promise<void>;
  /** Finishes the rounds under way, gives the chunks back, closes the queue. */
  stop(): Promise<void>;
  /** Whether work that is there is being done; for readiness and metrics. */
  health(): BulkHealth;
}

export interface BulkHealth {
  /** The queue answers. */
  readonly queueReachable: boolean;
  readonly chunksInHand: number;
  /** Items decided by this process since it started. */
  readonly itemsDecided: number;
  /** Milliseconds since a round was committed here or nothing was left to do. */
  readonly idleMs: number;
  /** Milliseconds for which a chunk has been in hand here without a round of any being committed. */
  readonly stalledMs: number;
  /** Chunks that ended in a fault here since a round was committed. */
  readonly failedInRow: number;
}

/** PostgreSQL notification channel: a job changed. */
export const bulkChannel = 'quarterdeck_bulk';
