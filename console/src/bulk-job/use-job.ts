/** One bulk job, kept current by its live topic, or by polling until it has ended. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { hasEnded, jobKey, newerJob, readJob } from '../api/bulk-jobs.ts';
import type { Job } from '../api/types.ts';
import { useLiveTopic } from '../api/use-live.ts';

export const useJob = (id: string) => {
  const client = useQueryClient();
  const key = jobKey(id);
  const pollMs = useLiveTopic<Job>(`bulk-jobs/${id}`, (job) => {
    client.setQueryData<Job>(key, (known) => newerJob(known, job));
  });
  return useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => newerJob(client.getQueryData<Job>(key), await readJob(id, signal)),
    refetchInterval: ({ state }) => (state.data !== undefined && hasEnded(state.data) ? false : pollMs),
  });
};
