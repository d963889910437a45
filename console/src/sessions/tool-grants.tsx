/** Which tools may act as one, or as anybody; a part of the page of sessions. */
import { Stack, Text, Title } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { rowsOf } from '../api/paging.ts';
import { toolGrantsQuery } from '../api/tool-grants.ts';
import type { ToolGrant } from '../api/types.ts';
import { type Column, DataTable } from '../parts/data-table.tsx';
import { LoadMore } from '../parts/load-more.tsx';
import { Moment } from '../parts/moment.tsx';
import { Loading, Trouble } from '../parts/states.tsx';
import { EndToolGrant } from './end-tool-grant.tsx';
import { personColumn } from './person-column.tsx';

const own: readonly Column<ToolGrant>[] = [
  { name: 'tool', label: 'Tool', cell: ({ tool }) => tool },
  { name: 'givenAt', label: 'Given', cell: ({ givenAt }) => <Moment narrow at={givenAt} /> },
  {
    name: 'ends',
    label: 'Ends by itself',
    cell: ({ sessionId, expiresAt }) =>
      sessionId === null ? <Moment narrow at={expiresAt} /> : 'with the session',
  },
  { name: 'end', label: '', right: true, cell: (grant) => <EndToolGrant grant={grant} /> },
];

export const ToolGrants = ({ everybody }: { readonly everybody: boolean }) => {
  const grants = useInfiniteQuery(toolGrantsQuery(everybody));
  const rows = rowsOf(grants.data);
  return (
    <Stack component="section" gap="sm" mt="lg" aria-label="Tools">
      <Stack gap={2}>
        <Title order={2} size="h4">
          Tools
        </Title>
        <Text size="sm" className="quiet">
          {everybody ? 'Which tools may act as somebody.' : 'Which tools may act as you.'} Ending that ends
          their tokens at once.
        </Text>
      </Stack>
      {grants.isPending && <Loading what="tools" />}
      {grants.isError && !grants.isFetchNextPageError && (
        <Trouble error={grants.error} retry={() => grants.refetch()} />
      )}
      {grants.isSuccess && rows.length === 0 && (
        <Text size="sm" data-testid="no-tools">
          {everybody ? 'No tool acts as anybody just now.' : 'No tool acts as you just now.'}
        </Text>
      )}
      {rows.length > 0 && (
        <>
          <DataTable
            caption="Tools"
            columns={everybody ? [personColumn, ...own] : own}
            rows={rows}
            keyOf={({ id }) => id}
            rowTestId="tool-grant-row"
          />
          <LoadMore shown={rows.length} what={rows.length === 1 ? 'tool' : 'tools'} more={grants} />
        </>
      )}
    </Stack>
  );
};
