/** Where one is signed in; for those who may, where everybody is. Any session can be ended from here. */
import { Badge, Button, Group, SegmentedControl } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { rowsOf } from '../api/paging.ts';
import { asProblem } from '../api/problem.ts';
import { revokeSession, sessionsKey, sessionsQuery } from '../api/sessions.ts';
import type { Session } from '../api/types.ts';
import { setSearch, usePlace } from '../navigation/place.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Moment } from '../parts/moment.tsx';
import { Page } from '../parts/page.tsx';
import { Person } from '../parts/person.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { usePermits } from '../shell/me-context.ts';

export const SessionsPage = () => {
  const mayReadAll = usePermits('sessions:read');
  const everybody = usePlace().search.get('whose') === 'everybody' && mayReadAll;
  const sessions = useInfiniteQuery(sessionsQuery(everybody ? '*' : undefined));
  const end = useEnding();
  const rows = rowsOf(sessions.data);
  return (
    <Page title="Sessions" actions={mayReadAll && <Whose everybody={everybody} />}>
      {sessions.isPending && <Loading what="sessions" />}
      {sessions.isError && <Trouble error={sessions.error} retry={() => sessions.refetch()} />}
      {rows.length > 0 && (
        <>
          <DataTable
            caption="Sessions"
            columns={columnsFor(end)}
            rows={rows}
            keyOf={({ id }) => id}
            rowTestId="session-row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'session' : 'sessions'} more={sessions} />
        </>
      )}
    </Page>
  );
};

const Whose = ({ everybody }: { readonly everybody: boolean }) => (
  <SegmentedControl
    size="xs"
    value={everybody ? 'everybody' : 'mine'}
    onChange={(whose) => setSearch({ whose: whose === 'everybody' ? whose : undefined })}
    data={[
      { value: 'mine', label: 'Mine' },
      { value: 'everybody', label: 'Everybody’s' },
    ]}
    data-testid="whose-sessions"
  />
);

const useEnding = () => {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (session: Session) => revokeSession(session.id),
    onSuccess: (_, { current }) =>
      current ? window.location.assign('/') : client.invalidateQueries({ queryKey: sessionsKey }),
    onError: (error) =>
      notifications.show({
        color: 'red',
        title: asProblem(error).title,
        message: asProblem(error).detail ?? 'The session was not ended.',
      }),
  });
};

const columnsFor = (end: ReturnType<typeof useEnding>): readonly Column<Session>[] => [
  {
    name: 'person',
    label: 'Who',
    cell: ({ personId, name, email, current }) => (
      <Group gap={6} wrap="nowrap">
        <Person actor={{ id: personId, ...(name && { name }), ...(email && { email }) }} />
        {current && (
          <Badge variant="outline" color="gray" tt="none" miw="max-content">
            this one
          </Badge>
        )}
      </Group>
    ),
  },
  { name: 'tool', label: 'Tool', cell: ({ tool }) => tool },
  { name: 'createdAt', label: 'Signed in', cell: ({ createdAt }) => <Moment at={createdAt} /> },
  { name: 'lastUsedAt', label: 'Last used', cell: ({ lastUsedAt }) => <Moment at={lastUsedAt} /> },
  { name: 'expiresAt', label: 'Ends', cell: ({ expiresAt }) => <Moment at={expiresAt} /> },
  {
    name: 'end',
    label: '',
    right: true,
    cell: (session) => (
      <Button
        size="compact-xs"
        variant="default"
        loading={end.isPending && end.variables.id === session.id}
        onClick={() => end.mutate(session)}
        data-testid="end-session"
      >
        End
      </Button>
    ),
  },
];
