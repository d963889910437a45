/** How a job runs, where that is not as usual, in one line. */
import { Text } from '@mantine/core';
import type { Job } from '../api/types.ts';
import { count, moment } from '../parts/written.ts';

export const isToCome = (at: string | undefined): at is string =>
  at !== undefined && Date.parse(at) > Date.now();

const percent = (ratio: number): string => `${Math.round(ratio * 10_000) / 100} %`;

const told = ({ startAt, priority, maxRate, maxFailureRatio }: Job): readonly string[] => [
  ...(startAt === undefined
    ? []
    : [`${isToCome(startAt) ? 'starts' : 'started'} by plan at ${moment(startAt)}`]),
  ...(priority === undefined || priority === 'normal' ? [] : [`${priority} priority`]),
  ...(maxRate === undefined ? [] : [`at most ${maxRate < 10 ? maxRate : count(maxRate)} items a second`]),
  ...(maxFailureRatio === undefined
    ? []
    : [`pauses when more than ${percent(maxFailureRatio)} fail or are rejected`]),
];

export const ConductLine = ({ job }: { readonly job: Job }) => {
  const words = told(job);
  if (words.length === 0) return null;
  return (
    <Text size="sm" className="quiet" data-testid="job-conduct-line">
      {words.join(' · ')}
    </Text>
  );
};
