/** Starting a job and going to its page. The same request sent again keeps its idempotency key. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { jobKey, jobsKey, type Start, startJob, type Upload, uploadJob } from '../api/bulk-jobs.ts';
import { jobUrl } from '../bulk-jobs/columns.tsx';
import { keyPerInput } from '../form/values.ts';
import { navigate } from '../navigation/place.ts';

type Request = { readonly start: Start } | { readonly upload: Upload };

export const useStart = () => {
  const client = useQueryClient();
  const [keyFor] = useState(keyPerInput);
  return useMutation({
    mutationFn: (request: Request) =>
      'start' in request
        ? startJob(request.start, keyFor(request.start))
        : uploadJob(request.upload, keyFor({ ...request.upload, file: fingerprint(request.upload.file) })),
    onSuccess: (job) => {
      client.setQueryData(jobKey(job.id), job);
      void client.invalidateQueries({ queryKey: jobsKey });
      navigate(jobUrl(job.id));
    },
  });
};

const fingerprint = ({ name, size, lastModified }: File): readonly unknown[] => [name, size, lastModified];
