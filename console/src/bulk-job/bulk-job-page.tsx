/** One bulk job: its progress as it happens, steering it, and what did not go through. */
import { Badge, Group } from '@mantine/core';
import { hasEnded } from '../api/bulk-jobs.ts';
import type { Job } from '../api/types.ts';
import { jobUrl } from '../bulk-jobs/columns.tsx';
import { Link } from '../navigation/link.tsx';
import { Moment } from '../parts/moment.tsx';
import { Page } from '../parts/page.tsx';
import { Person } from '../parts/person.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { AskedLine } from './asked-line.tsx';
import { ConductLine } from './conduct-line.tsx';
import { PreviewPanel } from './preview-panel.tsx';
import { ProgressPanel } from './progress-panel.tsx';
import { RelatedJobs } from './related-jobs.tsx';
import { Results } from './results.tsx';
import { RunForReal } from './run-for-real.tsx';
import { Steering } from './steering.tsx';
import { Undo } from './undo.tsx';
import { useJob } from './use-job.ts';

export const BulkJobPage = ({ id }: { readonly id: string }) => {
  const { data: job, error, isPending, refetch } = useJob(id);
  return (
    <Page
      title={job?.label || job?.command || 'Bulk job'}
      heading={job !== undefined && <Heading job={job} />}
      lead={job === undefined ? undefined : <Lead job={job} />}
      actions={
        job !== undefined && (
          <>
            <Steering job={job} />
            <RunForReal job={job} />
            <Undo job={job} />
          </>
        )
      }
    >
      {isPending && <Loading what="the bulk job" />}
      {error !== null && <Trouble error={error} retry={() => refetch()} />}
      {job !== undefined && (
        <>
          <ProgressPanel job={job} />
          <AskedLine job={job} />
          <ConductLine job={job} />
          {job.dryRun && job.resultsExpiredAt === undefined && <PreviewPanel job={job} />}
          {job.resultsExpiredAt === undefined ? (
            <Results job={job} settled={hasEnded(job)} />
          ) : (
            <Empty title="What became of each item is kept no longer">
              The counts above remain, and so does every change in the audit log.
            </Empty>
          )}
        </>
      )}
    </Page>
  );
};

const Heading = ({ job }: { readonly job: Job }) => (
  <Group gap="sm" component="span">
    {job.label || job.command}
    <Group component="span" data-testid="job-state" data-state={job.state}>
      <StateBadge state={job.state} />
    </Group>
    {job.dryRun && (
      <Badge variant="outline" color="gray" tt="none">
        dry run: nothing is stored
      </Badge>
    )}
  </Group>
);

const Lead = ({ job }: { readonly job: Job }) => (
  <>
    <Link className="text-link" href="/bulk-jobs">
      All bulk jobs
    </Link>
    {' · '}
    <span className="mono">{job.command}</span> {sources[job.source ?? ''] ?? ''}
    {readAsSaid(job)} · requested by <Person actor={job.requestedBy} /> · <Moment at={job.requestedAt} />
    {job.retryOf !== undefined && (
      <>
        {' · tries again what went wrong in '}
        <Link className="text-link" href={jobUrl(job.retryOf)}>
          this job
        </Link>
      </>
    )}
    <RelatedJobs job={job} />
  </>
);

/** As it stands in the job: what the file was taken for. */
const readAsSaid = ({ readAs = {} }: Job): string => {
  const { encoding, delimiter, decimal, sheet } = readAs;
  const said = [encoding, delimiter, decimal && `decimal ${decimal}`, sheet && `sheet ${sheet}`].filter(
    Boolean,
  );
  return said.length === 0 ? '' : ` (${said.join(', ')})`;
};

const sources: Readonly<Record<string, string>> = {
  targets: 'on a list of ids',
  where: 'on a filter',
  csv: 'from a CSV',
  ndjson: 'from NDJSON',
  xlsx: 'from a workbook',
};
