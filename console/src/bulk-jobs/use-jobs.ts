/** The list of bulk jobs, kept current: the live topic names jobs that changed, polling backs it up. */
import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { jobKey, jobsKey, jobsQuery, newerJob } from '../api/bulk-jobs.ts';
import type { Job, Page } from '../api/types.ts';
import { useLiveTopic } from '../api/use-live.ts';

type Pages = InfiniteData<Page<Job>, string | undefined>;

export const useJobs = () => {
  const client = useQueryClient();
  const refetchInterval = useLiveTopic<readonly Job[]>('bulk-jobs', (changed) => {
    if (!Array.isArray(changed)) return;
    client.setQueryData<Pages>(jobsKey, (pages) => merge(pages, changed));
    for (const job of changed)
      client.setQueryData<Job>(jobKey(job.id), (known) => known && newerJob(known, job));
  });
  return useInfiniteQuery({ ...jobsQuery, refetchInterval });
};

/** Known jobs change where they stand; new ones come first, as in the server's own order. */
const merge = (pages: Pages | undefined, changed: readonly Job[]): Pages | undefined => {
  const [first, ...rest] = pages?.pages ?? [];
  if (pages === undefined || first === undefined) return pages;
  const byId = new Map(changed.map((job) => [job.id, job]));
  const known = new Set([first, ...rest].flatMap((page) => page.data.map(({ id }) => id)));
  const added = changed.filter(({ id }) => !known.has(id)).toSorted(latestFirst);
  const update = (page: Page<Job>): Page<Job> => ({
    ...page,
    data: page.data.map((job) => newerJob(job, byId.get(job.id) ?? job)),
  });
  const head = update(first);
  return { ...pages, pages: [{ ...head, data: [...added, ...head.data] }, ...rest.map(update)] };
};

const latestFirst = (a: Job, b: Job): number => b.requestedAt.localeCompare(a.requestedAt);
