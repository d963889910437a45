/** The list of accounts. The address bar holds filter and sort; a bulk job can start from both. */
import { Button, Group } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { accountsQuery } from '../api/accounts.ts';
import { commandsQuery } from '../api/commands.ts';
import { rowsOf } from '../api/paging.ts';
import { navigate, setSearch, usePlace } from '../navigation/place.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import { usePermits } from '../shell/me-context.ts';
import { type AccountFilter, filterOf, filterWords, searchOf } from './account-filter.ts';
import { accountUrl, columnsFor, fieldsFor, readInternal } from './columns.tsx';
import { ExportAccounts } from './export-accounts.tsx';
import { FilterBar } from './filter-bar.tsx';
import { OpenAccount } from './open-account.tsx';

const none = Object.fromEntries(filterWords.map((word) => [word, undefined]));

export const AccountsPage = () => {
  const { search } = usePlace();
  const filter = filterOf(search);
  const sort = search.get('sort') ?? 'accountId';
  const mayReadInternal = usePermits(readInternal);
  const list = useInfiniteQuery({
    ...accountsQuery({ ...filter, sort, fields: fieldsFor(mayReadInternal) }),
    placeholderData: keepPreviousData,
  });
  const rows = rowsOf(list.data);
  return (
    <Page title="Accounts" actions={<Actions filter={filter} />}>
      <FilterBar filter={filter} onChange={setSearch} onClear={() => setSearch(none)} />
      {list.isPending && <Loading what="accounts" />}
      {list.isError && !list.isFetchNextPageError && (
        <Trouble error={list.error} retry={() => list.refetch()} />
      )}
      {list.isSuccess && rows.length === 0 && (
        <Empty title="No account matches">Change the filter, or import accounts with a bulk job.</Empty>
      )}
      {rows.length > 0 && (
        <>
          <div aria-busy={list.isPlaceholderData} style={{ opacity: list.isPlaceholderData ? 0.6 : 1 }}>
            <DataTable
              caption="Accounts"
              columns={columnsFor(mayReadInternal)}
              rows={rows}
              keyOf={(row) => row.accountId}
              onOpen={(row) => navigate(accountUrl(row.accountId))}
              sort={sort}
              onSort={(next) => setSearch({ sort: next })}
              rowTestId="account-row"
            />
          </div>
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'account' : 'accounts'} more={list} />
        </>
      )}
    </Page>
  );
};

const Actions = ({ filter }: { readonly filter: AccountFilter }) => {
  const search = searchOf(filter);
  const commands = useQuery(commandsQuery).data ?? [];
  const mayRun = usePermits('bulk:run');
  const bulk = mayRun && commands.some((command) => command.permitted && command.bulkField === 'accountId');
  return (
    <Group gap="xs">
      <OpenAccount />
      <ExportAccounts filter={filter} />
      {bulk && (
        <Button
          onClick={() => navigate(`/bulk-jobs/new?source=filter${search === '' ? '' : `&${search}`}`)}
          data-testid="start-job-here"
        >
          Bulk job on this filter
        </Button>
      )}
    </Group>
  );
};
