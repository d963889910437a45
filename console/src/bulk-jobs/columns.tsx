/** The columns of the list of bulk jobs. */
import { Badge, Group } from '@mantine/core';
import type { Job } from '../api/types.ts';
import { JobProgress } from '../bulk-job/job-progress.tsx';
import { Link } from '../navigation/link.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { Person } from '../parts/person.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { count } from '../parts/written.ts';

/** Of which nothing took effect, whatever the reason. */
const notDone = ({ rejected, failed, skipped = 0, cancelled = 0 }: Job): number =>
  rejected + failed + skipped + cancelled;

export const jobUrl = (id: string): string => `/bulk-jobs/${encodeURIComponent(id)}`;

export const columns: readonly Column<Job>[] = [
  {
    name: 'label',
    label: 'Job',
    wrap: true,
    cell: (job) => (
      <>
        <Link className="text-link" href={jobUrl(job.id)}>
          {job.label || job.command}
        </Link>
        {job.label && <div className="quiet mono">{job.command}</div>}
      </>
    ),
  },
  {
    name: 'state',
    label: 'State',
    cell: (job) => (
      <Group gap={6} wrap="nowrap">
        <StateBadge state={job.state} />
        {job.dryRun && (
          <Badge variant="outline" color="gray" tt="none" miw="max-content">
            dry run
          </Badge>
        )}
      </Group>
    ),
  },
  {
    name: 'progress',
    label: 'Progress',
    cell: (job) => (
      <div style={{ width: 120 }}>
        <JobProgress job={job} size="sm" />
      </div>
    ),
  },
  { name: 'total', label: 'Items', right: true, cell: (job) => count(job.total) },
  { name: 'notDone', label: 'Not done', right: true, cell: (job) => count(notDone(job)) },
  { name: 'requestedBy', label: 'By', cell: (job) => <Person actor={job.requestedBy} /> },
  { name: 'requestedAt', label: 'Requested', cell: (job) => <Moment at={job.requestedAt} /> },
];
