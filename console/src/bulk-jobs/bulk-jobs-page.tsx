/** All bulk jobs, newest first, moving while they run. */
import { Button } from '@mantine/core';
import { rowsOf } from '../api/paging.ts';
import { navigate } from '../navigation/place.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { usePermits } from '../shell/me-context.ts';
import { columns, jobUrl } from './columns.tsx';
import { useJobs } from './use-jobs.ts';

export const BulkJobsPage = () => {
  const mayRun = usePermits('bulk:run');
  const jobs = useJobs();
  const rows = rowsOf(jobs.data);
  return (
    <Page
      title="Bulk jobs"
      actions={
        mayRun && (
          <Button onClick={() => navigate('/bulk-jobs/new')} data-testid="new-job">
            Start a bulk job
          </Button>
        )
      }
    >
      {jobs.isPending && <Loading what="bulk jobs" />}
      {jobs.isError && !jobs.isFetchNextPageError && (
        <Trouble error={jobs.error} retry={() => jobs.refetch()} />
      )}
      {jobs.isSuccess && rows.length === 0 && (
        <Empty title="No bulk job yet">
          One command for many accounts: by filter, by list or from a file.
        </Empty>
      )}
      {rows.length > 0 && (
        <>
          <DataTable
            caption="Bulk jobs"
            columns={columns}
            rows={rows}
            keyOf={(job) => job.id}
            onOpen={(job) => navigate(jobUrl(job.id))}
            rowTestId="job-row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'job' : 'jobs'} more={jobs} />
        </>
      )}
    </Page>
  );
};
