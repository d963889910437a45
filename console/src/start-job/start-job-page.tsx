/** Start a bulk job: one command for the accounts of a filter, a list of ids, or the rows of a file. */
import { Paper, SegmentedControl, Stack } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { commandsQuery } from '../api/commands.ts';
import { Link } from '../navigation/link.tsx';
import { setSearch, usePlace } from '../navigation/place.ts';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { FileJob } from './file-job.tsx';
import { FilterJob, IdsJob } from './targets-job.tsx';

const sources = [
  { value: 'filter', label: 'A filter' },
  { value: 'ids', label: 'A list of ids' },
  { value: 'file', label: 'A file' },
];

export const StartJobPage = () => {
  const given = usePlace().search.get('source');
  const source = sources.find(({ value }) => value === given)?.value ?? 'filter';
  const catalogue = useQuery(commandsQuery);
  const commands = catalogue.data?.filter(({ permitted, bulkField }) => permitted && bulkField !== undefined);
  return (
    <Page
      title="Start a bulk job"
      lead={
        <Link className="text-link" href="/bulk-jobs">
          All bulk jobs
        </Link>
      }
    >
      <Paper maw={860}>
        <Stack gap="md">
          <SegmentedControl
            aria-label="What it runs on"
            data={sources}
            value={source}
            onChange={(value) => setSearch({ source: value })}
            data-testid="job-source"
          />
          {catalogue.isPending && <Loading what="commands" />}
          {catalogue.isError && <Trouble error={catalogue.error} retry={() => catalogue.refetch()} />}
          {commands?.length === 0 && <Empty title="There is no command that you may run in bulk" />}
          {commands !== undefined && commands.length > 0 && (
            <>
              {source === 'file' && <FileJob commands={commands} />}
              {source === 'filter' && <FilterJob commands={commands} />}
              {source === 'ids' && <IdsJob commands={commands} />}
            </>
          )}
        </Stack>
      </Paper>
    </Page>
  );
};
