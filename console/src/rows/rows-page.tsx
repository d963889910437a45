/** Rows of one read model. The address bar holds filter and sort, in the API's own words. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { rowsOf } from '../api/paging.ts';
import { rowsQuery } from '../api/rows.ts';
import { setSearch, usePlace } from '../navigation/place.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import type { RowKind } from './kinds.tsx';

export const RowsPage = ({ kind }: { readonly kind: RowKind }) => {
  const { search } = usePlace();
  const sort = search.get('sort') ?? kind.sort;
  const accountId = search.get('accountId') ?? '';
  const status = search.get('status') ?? '';
  const list = useInfiniteQuery({
    ...rowsQuery(kind.path, { accountId, status: kind.statuses === undefined ? '' : status, sort }),
    placeholderData: keepPreviousData,
  });
  const rows = rowsOf(list.data);
  const isFiltered = accountId !== '' || status !== '';
  return (
    <Page title={kind.title}>
      <RowFilter kind={kind} accountId={accountId} status={status} />
      {list.isPending && <Loading what={kind.title.toLowerCase()} />}
      {list.isError && !list.isFetchNextPageError && (
        <Trouble error={list.error} retry={() => list.refetch()} />
      )}
      {list.isSuccess && rows.length === 0 && (
        <Empty title={isFiltered ? `No ${kind.one} is like that` : `There are no ${kind.one}s yet`} />
      )}
      {rows.length > 0 && (
        <>
          <DataTable
            caption={kind.title}
            columns={kind.columns}
            rows={rows}
            keyOf={(row) => String(row[kind.keyField])}
            sort={sort}
            onSort={(next) => setSearch({ sort: next })}
            rowTestId="row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? kind.one : `${kind.one}s`} more={list} />
        </>
      )}
    </Page>
  );
};

interface RowFilterProps {
  readonly kind: RowKind;
  readonly accountId: string;
  readonly status: string;
}

const RowFilter = ({ kind, accountId, status }: RowFilterProps) => {
  const [typed, setTyped] = useState(accountId);
  useEffect(() => setTyped(accountId), [accountId]);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setSearch({ accountId: typed.trim() });
  };
  return (
    <form onSubmit={submit} className="filters" aria-label={`Filter ${kind.title.toLowerCase()}`}>
      <TextInput
        label="Account"
        autoComplete="off"
        spellCheck={false}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={() => setSearch({ accountId: typed.trim() })}
      />
      {kind.statuses !== undefined && (
        <NativeSelect
          label="Status"
          value={status}
          data={[{ value: '', label: 'any' }, ...kind.statuses]}
          onChange={(event) => setSearch({ status: event.currentTarget.value })}
          data-testid="filter-status"
        />
      )}
      {(accountId !== '' || status !== '') && (
        <Button variant="subtle" onClick={() => setSearch({ accountId: undefined, status: undefined })}>
          Clear
        </Button>
      )}
    </form>
  );
};
