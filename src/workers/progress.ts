/**
 * Tells of jobs (bulk jobs, exports) that changed: listeners of this process with the jobs themselves, at most ten
 * times a second, and other processes by NOTIFY, outside any transaction. A change that comes while one is being
 * told is told next; the newest state wins.
 */
import type { Db } from '../db/pool.ts';
import type { OnError } from './ports.ts';
import type { BulkJob } from './request.ts';
import { notifyJobs } from './sql/notify.ts';

export interface Progress<Job = BulkJob> {
  /** A job changed here, and something may have to be done. */
  changed(jobId: string): void;
  /** Items of a job were decided here: to be told, and nothing to be done. */
  moved(jobId: string): void;
  /** Another process says that a job changed. */
  heard(jobId: string): void;
  onProgress(listener: (jobs: readonly Job[]) => void): () => void;
  /** Called at once when something may have to be done. */
  onWake(listener: () => void): () => void;
  /** Tells what is still to be told. */
  stop(): Promise<void>;
}

const everyMs = 100;

interface Options<Job> {
  readonly pool: Db;
  /** PostgreSQL notification channel; its payload is an id. */
  readonly channel: string;
  /** As callers see them; unknown ids are left out. */
  readonly find: (ids: readonly string[]) => Promise<readonly Job[]>;
  readonly onError: OnError;
}

export const createProgress = <Job>({ pool, channel, find, onError }: Options<Job>): Progress<Job> => {
  const listeners = new Set<(jobs: readonly Job[]) => void>();
  const wakers = new Set<() => void>();
  /** Jobs to tell of; true where other processes are to hear of it too. */
  let dirty = new Map<string, boolean>();
  let timer: NodeJS.Timeout | undefined;
  let telling = false;

  const tell = async (): Promise<void> => {
    const now = dirty;
    dirty = new Map();
    const own = [...now].flatMap(([id, ours]) => (ours ? [id] : []));
    if (own.length > 0) await pool.query({ ...notifyJobs, values: [channel, own] });
    if (listeners.size === 0) return;
    const jobs = await find([...now.keys()]);
    for (const listener of listeners) listener(jobs);
  };

  const schedule = (): void => {
    if (timer !== undefined || telling) return;
    timer = setTimeout(() => {
      timer = undefined;
      telling = true;
      tell()
        .catch((error: unknown) => onError(error, 'telling of progress'))
        .finally(() => {
          telling = false;
          if (dirty.size > 0) schedule();
        });
    }, everyMs);
  };

  const mark = (jobId: string, ours: boolean): void => {
    dirty.set(jobId, ours || (dirty.get(jobId) ?? false));
    schedule();
  };

  return {
    changed(jobId) {
      mark(jobId, true);
      for (const wake of wakers) wake();
    },
    moved: (jobId) => mark(jobId, true),
    heard(jobId) {
      // Our own notifications come back to us: what is dirty already stays as it is.
      if (listeners.size > 0) mark(jobId, false);
      for (const wake of wakers) wake();
    },
    onProgress(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onWake(listener) {
      wakers.add(listener);
      return () => wakers.delete(listener);
    },
    async stop() {
      clearTimeout(timer);
      wakers.clear();
      if (dirty.size > 0) await tell().catch((error: unknown) => onError(error, 'telling of progress'));
    },
  };
};
