/** How far a job is, by outcome, as one bar. */
import { Progress } from '@mantine/core';
import type { Job } from '../api/types.ts';
import { decided, outcomes } from './outcomes.ts';

interface JobProgressProps {
  readonly job: Job;
  readonly size: 'sm' | 'xl';
}

export const JobProgress = ({ job, size }: JobProgressProps) => {
  const share = (items: number): number => (job.total === 0 ? 0 : (items / job.total) * 100);
  return (
    <Progress.Root
      size={size}
      role="progressbar"
      aria-label="Progress"
      aria-valuemin={0}
      aria-valuemax={job.total}
      aria-valuenow={decided(job)}
    >
      {outcomes.map(({ name, color }) => (
        <Progress.Section key={name} value={share(job[name] ?? 0)} color={color} withAria={false} />
      ))}
    </Progress.Root>
  );
};
