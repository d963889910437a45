/** Bulk jobs: list, one, results, starting by targets, filter or file, and steering. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { call, get, sawPosition, urlOf } from './client.ts';
import { nextCursor } from './paging.ts';
import type { ItemResult, Job, Page } from './types.ts';

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

export interface Start {
  readonly command: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly targets?: readonly string[];
  readonly where?: Where;
  readonly dryRun: boolean;
  readonly label: string | undefined;
}

export const startJob = async (start: Start, idempotencyKey: string): Promise<Job> => {
  const headers = { 'idempotency-key': idempotencyKey };
  return (await call<Job>('/bulk-jobs', { method: 'POST', body: start, headers })).body;
};

export interface Upload {
  readonly command: string;
  readonly file: File;
  readonly type: 'text/csv' | 'application/x-ndjson';
  /** Input field → column of the file. */
  readonly map: Readonly<Record<string, string>>;
  readonly dryRun: boolean;
  readonly label: string | undefined;
}

export const uploadJob = async (upload: Upload, idempotencyKey: string): Promise<Job> => {
  const answer = await call<Job>('/bulk-jobs', {
    method: 'POST',
    query: {
      command: upload.command,
      map: JSON.stringify(upload.map),
      label: upload.label,
      dryRun: upload.dryRun ? true : undefined,
    },
    body: upload.file,
    headers: { 'content-type': upload.type, 'idempotency-key': idempotencyKey },
  });
  return answer.body;
};

export type Steer = 'pause' | 'resume' | 'cancel' | 'retry-failed';

export const steerJob = async (id: string, steer: Steer): Promise<void> => {
  await call(`/bulk-jobs/${encodeURIComponent(id)}/${steer}`, { method: 'POST', body: {} });
};

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
