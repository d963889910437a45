/** Where one is signed in, and which tools act as one; whoever may sees everybody's. */
import { SegmentedControl } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { rowsOf } from '../api/paging.ts';
import { sessionsQuery } from '../api/sessions.ts';
import { setSearch, usePlace } from '../navigation/place.ts';
import { DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Page } from '../parts/page.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { usePermits } from '../shell/me-context.ts';
import { columnsFor } from './columns.tsx';
import { ToolGrants } from './tool-grants.tsx';

const choices = [
  { value: 'own', label: 'Mine' },
  { value: 'everybody', label: 'Everybody’s' },
];

export const SessionsPage = () => {
  const mayReadAll = usePermits('sessions:read');
  const everybody = usePlace().search.get('of') === 'everybody' && mayReadAll;
  const sessions = useInfiniteQuery(sessionsQuery(everybody));
  const rows = rowsOf(sessions.data);
  return (
    <Page
      title="Sessions"
      lead="Where somebody is signed in. Ending a session holds at once, in every open window."
      actions={
        mayReadAll && (
          <SegmentedControl
            aria-label="Whose"
            data={choices}
            value={everybody ? 'everybody' : 'own'}
            onChange={(of) => setSearch({ of: of === 'everybody' ? of : undefined })}
          />
        )
      }
    >
      {sessions.isPending && <Loading what="sessions" />}
      {sessions.isError && !sessions.isFetchNextPageError && (
        <Trouble error={sessions.error} retry={() => sessions.refetch()} />
      )}
      {rows.length > 0 && (
        <>
          <DataTable
            caption="Sessions"
            columns={columnsFor(everybody)}
            rows={rows}
            keyOf={({ id }) => id}
            rowTestId="session-row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'session' : 'sessions'} more={sessions} />
        </>
      )}
      <ToolGrants everybody={everybody} />
    </Page>
  );
};
