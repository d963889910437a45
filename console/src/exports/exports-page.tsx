/** Exports, newest first, moving while they are written. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { exportsKey, exportsQuery } from '../api/exports.ts';
import { rowsOf } from '../api/paging.ts';
import { useLiveTopic } from '../api/use-live.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { usePermits } from '../shell/me-context.ts';
import { columns } from './columns.tsx';
import { NewExport } from './new-export.tsx';

export const ExportsPage = () => {
  const mayRun = usePermits('exports:run');
  const client = useQueryClient();
  const refetchInterval = useLiveTopic('exports', () => {
    void client.invalidateQueries({ queryKey: exportsKey });
  });
  const list = useInfiniteQuery({ ...exportsQuery, refetchInterval });
  const rows = rowsOf(list.data);
  return (
    <Page
      title="Exports"
      lead="Files of one moment, kept for a while and then destroyed. Every download is recorded."
    >
      {mayRun && <NewExport />}
      {list.isPending && <Loading what="exports" />}
      {list.isError && !list.isFetchNextPageError && (
        <Trouble error={list.error} retry={() => list.refetch()} />
      )}
      {list.isSuccess && rows.length === 0 && (
        <Empty title="No export yet">All accounts as a file, or those of a filter: from the accounts.</Empty>
      )}
      {rows.length > 0 && (
        <>
          <DataTable
            caption="Exports"
            columns={columns}
            rows={rows}
            keyOf={({ id }) => id}
            rowTestId="export-row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'export' : 'exports'} more={list} />
        </>
      )}
    </Page>
  );
};
