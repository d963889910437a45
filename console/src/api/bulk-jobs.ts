/** Bulk jobs: list, one, results, starting by targets, filter or file, and steering. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { type Call, call, get, sawPosition, urlOf } from './client.ts';
import { nextCursor } from './paging.ts';
import type { ItemResult, Job, Page, UploadType } from './types.ts';

export const jobsKey = ['bulk-jobs'] as const;
export const jobKey = (id: string) => ['bulk-job', id] as const;

export const jobsQuery = infiniteQueryOptions({
  queryKey: jobsKey,
  queryFn: ({ pageParam, signal }) =>
    get<Page<Job>>('/bulk-jobs', { query: { limit: 50, cursor: pageParam }, signal }),
  initialPageParam: undefined as string | undefined,
  getNextPageParam: nextCursor,
});

export const readJob = (id: string, signal: AbortSignal): Promise<Job> =>
  get<Job>(`/bulk-jobs/${encodeURIComponent(id)}`, { signal });

export const resultsQuery = (id: string, outcome: string) =>
  infiniteQueryOptions({
    queryKey: ['bulk-job-results', id, outcome],
    queryFn: ({ pageParam, signal }) =>
      get<Page<ItemResult>>(`/bulk-jobs/${encodeURIComponent(id)}/results`, {
        query: { outcome, limit: 100, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });

export const resultsUrl = (id: string, format: 'csv' | 'ndjson', outcome?: string): string =>
  urlOf(`/bulk-jobs/${encodeURIComponent(id)}/results`, { format, outcome });

export type Where = Readonly<Record<string, unknown>>;

/** How it runs; what is absent is as usual. */
export interface Conduct {
  readonly startAt: string | undefined;
  readonly priority: string | undefined;
  readonly maxRate: number | undefined;
  readonly maxFailureRatio: number | undefined;
}

/** What every start has, whatever its items come from. */
interface Starting extends Conduct {
  readonly command: string;
  /** The input that all items share. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly label: string | undefined;
  /** For the audit log; a command's own field `reason` is part of the input instead. */
  readonly reason: string | undefined;
}

export interface Start extends Starting {
  readonly targets?: readonly string[];
  readonly where?: Where;
}

export const startJob = ({ reason, ...body }: Start, idempotencyKey: string): Promise<Job> =>
  accepted({ body, headers: acceptance(idempotencyKey, reason) });

export interface Upload extends Starting {
  readonly file: File;
  readonly type: UploadType;
  /** Of a table: input field → column. NDJSON names its fields itself. */
  readonly map: Readonly<Record<string, string>>;
  /** `encoding`, `delimiter`, `decimal` or `sheet`. */
  readonly reading: Readonly<Record<string, string>>;
}

export const uploadJob = (upload: Upload, idempotencyKey: string): Promise<Job> =>
  accepted({
    query: {
      command: upload.command,
      map: upload.type === 'application/x-ndjson' ? undefined : JSON.stringify(upload.map),
      ...upload.reading,
      input: Object.keys(upload.input).length === 0 ? undefined : JSON.stringify(upload.input),
      label: upload.label,
      dryRun: upload.dryRun ? true : undefined,
      startAt: upload.startAt,
      priority: upload.priority,
      maxRate: upload.maxRate,
      maxFailureRatio: upload.maxFailureRatio,
    },
    body: upload.file,
    headers: { 'content-type': upload.type, ...acceptance(idempotencyKey, upload.reason) },
  });

const accepted = async (request: Call): Promise<Job> =>
  (await call<Job>('/bulk-jobs', { ...request, method: 'POST' })).body;

const acceptance = (idempotencyKey: string, reason: string | undefined): Record<string, string> => ({
  'idempotency-key': idempotencyKey,
  ...(reason === undefined ? {} : { 'quarterdeck-reason': encodeURIComponent(reason) }),
});

export type Steer = 'pause' | 'resume' | 'cancel';

/** The job afterwards. */
export const steerJob = async (id: string, steer: Steer): Promise<Job> =>
  (await call<Job>(`/bulk-jobs/${encodeURIComponent(id)}/${steer}`, { method: 'POST', body: {} })).body;

/** A new job over what failed and, where wanted, what was rejected. */
export const retryJob = async (id: string, outcomes: readonly string[]): Promise<Job> =>
  (
    await call<Job>(`/bulk-jobs/${encodeURIComponent(id)}/retry-failed`, {
      method: 'POST',
      body: { outcomes },
    })
  ).body;

export interface Correction {
  readonly file: File;
  readonly type: Upload['type'];
  /** Of a CSV: input field → column. */
  readonly map: Readonly<Record<string, string>> | undefined;
  /** By what a row names its item. */
  readonly match: string;
}

/** A new job over the rows of the file, each in place of an item that failed or was rejected. */
export const correctJob = async (id: string, { file, type, map, match }: Correction): Promise<Job> =>
  (
    await call<Job>(`/bulk-jobs/${encodeURIComponent(id)}/retry-failed`, {
      method: 'POST',
      query: { match, map: map === undefined ? undefined : JSON.stringify(map) },
      body: file,
      headers: { 'content-type': type },
    })
  ).body;

const ended = new Set(['completed', 'completed-with-failures', 'failed', 'cancelled']);

export const hasEnded = (job: Job): boolean => ended.has(job.state);

/** Of two readings of one job the newer, by the log's position; a tie goes to the later reading. */
export const newerJob = (known: Job | undefined, read: Job): Job => {
  if (hasEnded(read)) sawPosition(read.position ?? undefined);
  return known !== undefined && isStale(read, known) ? known : read;
};

/** An answer that was slow on its way must not set a finished job running again. */
const isStale = (read: Job, known: Job): boolean => {
  const [readAt, knownAt] = [read.position ?? 0, known.position ?? 0];
  return readAt < knownAt || (readAt === knownAt && hasEnded(known) && !hasEnded(read));
};
