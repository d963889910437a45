/** Starting a job that follows from another, and going to its page. A repetition keeps its idempotency key. */
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { jobKey, jobsKey } from '../api/bulk-jobs.ts';
import { asProblem } from '../api/problem.ts';
import type { Job } from '../api/types.ts';
import { jobUrl } from '../bulk-jobs/columns.tsx';
import { keyPerInput } from '../form/values.ts';
import { navigate } from '../navigation/place.ts';

export const useFollowUp = <Request extends object>(
  title: string,
  send: (request: Request, idempotencyKey: string) => Promise<Job>,
) => {
  const client = useQueryClient();
  const [keyFor] = useState(keyPerInput);
  return useMutation({
    mutationFn: (request: Request) => send(request, keyFor(request)),
    onSuccess: (job) => {
      client.setQueryData(jobKey(job.id), job);
      void client.invalidateQueries({ queryKey: jobsKey });
      void client.invalidateQueries({ queryKey: ['bulk-job'] });
      navigate(jobUrl(job.id));
    },
    onError: (error) => {
      const { title: problem, detail } = asProblem(error);
      notifications.show({
        color: 'red',
        title: `${title}: ${problem}`,
        message: detail ?? 'Nothing was started.',
      });
    },
  });
};
