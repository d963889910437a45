/** Bar, counts by outcome, rate and time to go. */
import { Group, Paper, SimpleGrid, Stack, Text } from '@mantine/core';
import { hasEnded } from '../api/bulk-jobs.ts';
import type { Job } from '../api/types.ts';
import { count, duration, moment } from '../parts/written.ts';
import { isToCome } from './conduct-line.tsx';
import { JobProgress } from './job-progress.tsx';
import { decided, toldOutcomes } from './outcomes.ts';

export const ProgressPanel = ({ job }: { readonly job: Job }) => {
  const done = decided(job);
  const percent = job.total === 0 ? 0 : Math.floor((done / job.total) * 100);
  return (
    <Paper component="section" aria-label="Progress" data-testid="job-progress" data-percent={percent}>
      <Stack gap="md">
        <Group justify="space-between" className="numbers" gap="xs">
          <Text fw={600}>
            <span data-testid="count-decided">{count(done)}</span> of{' '}
            <span data-testid="count-total">{count(job.total)}</span> items
          </Text>
          <Text size="sm" className="quiet">
            {pace(job)}
          </Text>
        </Group>
        <JobProgress job={job} size="xl" />
        <SimpleGrid cols={{ base: 2, xs: 4 }} spacing="xs">
          {toldOutcomes(job).map((outcome) => (
            <div key={outcome.name}>
              <Text size="xl" fw={600} className="numbers" data-testid={`count-${outcome.name}`} lh={1.3}>
                {count(outcome.count)}
              </Text>
              <Group gap={6}>
                <Swatch color={outcome.color} />
                <Text size="sm" className="quiet">
                  {outcome.name}
                </Text>
              </Group>
            </div>
          ))}
        </SimpleGrid>
      </Stack>
    </Paper>
  );
};

const Swatch = ({ color }: { readonly color: string }) => (
  <svg width="10" height="10" aria-hidden="true">
    <rect width="10" height="10" rx="2" fill={`var(--mantine-color-${color.replace('.', '-')})`} />
  </svg>
);

const pace = (job: Job): string => {
  if (hasEnded(job)) return took(job);
  const rate = job.ratePerSecond ? `${count(job.ratePerSecond)} a second` : undefined;
  const left = job.etaSeconds ? `about ${duration(job.etaSeconds)} to go` : undefined;
  if (job.state === 'paused' && job.pausedReason !== undefined)
    return `paused: ${pausedReasons[job.pausedReason] ?? job.pausedReason}`;
  if (job.state === 'accepted' && isToCome(job.startAt)) return `starts ${moment(job.startAt)}`;
  if (job.state !== 'running') return waiting[job.state] ?? '';
  return [rate, left].filter(Boolean).join(', ');
};

const took = ({ startedAt, finishedAt }: Job): string => {
  if (!startedAt || !finishedAt) return '';
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
  return seconds < 1 ? 'took less than a second' : `took ${duration(seconds)}`;
};

const waiting: Readonly<Record<string, string>> = {
  accepted: 'waiting for a worker',
  'awaiting-approval': 'waiting for the approval of another person',
  paused: 'paused: nothing runs until it is resumed',
  cancelling: 'cancelling',
};

const pausedReasons: Readonly<Record<string, string>> = {
  requester_not_permitted: 'whoever requested it may not do this any more',
  failure_ratio_exceeded: 'more of its items failed or were rejected than it allows',
  command_not_available: 'there is no such command any more',
};
