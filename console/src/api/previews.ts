/** What a dry run found, running it for real, and undoing what a job did. */
import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { call, get } from './client.ts';
import type { Change, Job } from './types.ts';

export interface PreviewedItem {
  readonly index: number;
  readonly line?: number;
  readonly target: string | null;
  readonly wouldAppend: readonly string[];
  readonly diff?: readonly Change[];
  /** Former values by path. */
  readonly before?: Readonly<Record<string, unknown>>;
  /** Paths whose personal values are not shown. */
  readonly withheld?: readonly string[];
}

export interface Preview {
  readonly inverse: string | null;
  readonly irreversible: string | null;
  readonly wouldAppend: readonly { readonly type: string; readonly count: number }[];
  readonly codes: readonly { readonly outcome: string; readonly code: string; readonly count: number }[];
  readonly sample: readonly PreviewedItem[];
  readonly diffsShown: boolean;
}

const jobPath = (id: string): string => `/bulk-jobs/${encodeURIComponent(id)}`;

const refreshMs = 1_000;

/** Read again while the dry run is under way, and once more when it has `ended`. */
export const previewQuery = (id: string, ended: boolean) =>
  queryOptions({
    queryKey: ['bulk-job-preview', id, ended],
    queryFn: ({ signal }) => get<Preview>(`${jobPath(id)}/preview`, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: ended ? false : refreshMs,
  });

export interface RunFrom {
  readonly from: string;
  readonly evenIfChanged: boolean;
}

export const runFrom = async (body: RunFrom, idempotencyKey: string): Promise<Job> =>
  (
    await call<Job>('/bulk-jobs', {
      method: 'POST',
      body,
      headers: { 'idempotency-key': idempotencyKey },
    })
  ).body;

export interface UndoJob {
  readonly id: string;
  readonly dryRun: boolean;
  readonly reason: string;
}

export const undoJob = async ({ id, dryRun, reason }: UndoJob, idempotencyKey: string): Promise<Job> =>
  (
    await call<Job>(`${jobPath(id)}/undo`, {
      method: 'POST',
      body: { dryRun },
      headers: {
        'idempotency-key': idempotencyKey,
        ...(reason === '' ? {} : { 'quarterdeck-reason': encodeURIComponent(reason) }),
      },
    })
  ).body;
