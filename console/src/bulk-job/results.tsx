/** The items of a job by outcome, first those that somebody must look at; and all of them as a file. */
import { Anchor, Group, SegmentedControl, Stack, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { resultsQuery, resultsUrl } from '../api/bulk-jobs.ts';
import { rowsOf } from '../api/paging.ts';
import type { ItemResult, Job } from '../api/types.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { count } from '../parts/written.ts';
import { resultColumns } from './result-columns.tsx';

const offered = ['rejected', 'failed', 'skipped', 'unchanged', 'succeeded'] as const;
type Offered = (typeof offered)[number];

const counted = (job: Job, outcome: Offered): number => job[outcome] ?? 0;

/** Skipping is rare: it is offered only where it happened. */
const offeredOf = (job: Job): readonly Offered[] =>
  offered.filter((name) => name !== 'skipped' || counted(job, name) > 0);

const firstOf = (job: Job): Offered =>
  job.rejected === 0 && counted(job, 'skipped') > 0 ? 'skipped' : 'rejected';

interface ResultsProps {
  readonly job: Job;
  readonly settled: boolean;
}

export const Results = ({ job, settled }: ResultsProps) => {
  const [chosen, setChosen] = useState<Offered>();
  const outcome = chosen ?? (job.rejected === 0 && job.failed > 0 ? 'failed' : firstOf(job));
  return (
    <Stack component="section" aria-label="Results" gap="sm">
      <Group justify="space-between" gap="sm">
        <Title order={2} size="h5">
          Results
        </Title>
        {settled && (
          <Group gap="md">
            <Text size="sm" className="quiet">
              Download all:
            </Text>
            <Download job={job} format="csv" />
            <Download job={job} format="ndjson" />
          </Group>
        )}
      </Group>
      <Group>
        <SegmentedControl
          size="xs"
          aria-label="Outcome"
          value={outcome}
          onChange={(value) => setChosen(value as Offered)}
          data={offeredOf(job).map((name) => ({
            value: name,
            label: `${name} ${count(counted(job, name))}`,
          }))}
        />
      </Group>
      {counted(job, outcome) === 0 ? (
        <None outcome={outcome} settled={settled} />
      ) : (
        <Items job={job} outcome={outcome} />
      )}
    </Stack>
  );
};

const None = ({ outcome, settled }: { readonly outcome: Offered; readonly settled: boolean }) => (
  <Empty title={settled ? `No item was ${outcome}` : `No item is ${outcome} so far`} />
);

const Download = ({ job, format }: { readonly job: Job; readonly format: 'csv' | 'ndjson' }) => (
  <Anchor
    size="sm"
    href={resultsUrl(job.id, format)}
    download={`${job.id}.${format}`}
    data-testid={`download-${format}`}
  >
    {format.toUpperCase()}
  </Anchor>
);

interface ItemsProps {
  readonly job: Job;
  readonly outcome: Offered;
}

const Items = ({ job, outcome }: ItemsProps) => {
  // The count is part of the key's life: while it grows, the pages that are shown are read again.
  const items = useInfiniteQuery({
    ...resultsQuery(job.id, outcome),
    refetchInterval: refreshWhile(job, outcome),
  });
  const rows = rowsOf(items.data);
  if (items.isPending) return <Loading what="results" />;
  if (items.isError && rows.length === 0)
    return <Trouble error={items.error} retry={() => items.refetch()} />;
  return (
    <>
      <DataTable<ItemResult>
        caption={`Items that were ${outcome}`}
        columns={resultColumns(rows)}
        rows={rows}
        keyOf={(item) => item.index}
        rowTestId="result-row"
      />
      <LoadMore shown={rows.length} what={rows.length === 1 ? 'item' : 'items'} more={items} />
    </>
  );
};

const refreshMs = 1_000;
/** Reading many pages again each second is too much to ask of anybody. */
const pagesRefreshedMax = 3;

type Held = {
  readonly state: { readonly data: { readonly pages: readonly { data: readonly unknown[] }[] } | undefined };
};

const refreshWhile =
  (job: Job, outcome: Offered) =>
  ({ state }: Held): number | false => {
    const pages = state.data?.pages ?? [];
    const shown = pages.reduce((sum, page) => sum + page.data.length, 0);
    const full = pages.length * 100;
    return pages.length <= pagesRefreshedMax && shown < Math.min(counted(job, outcome), full)
      ? refreshMs
      : false;
  };
