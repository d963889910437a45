/** The columns of the list of sessions. */
import { Badge } from '@mantine/core';
import type { Session } from '../api/types.ts';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { browserName } from './browser-name.ts';
import { EndSession } from './end-session.tsx';
import { personColumn } from './person-column.tsx';

const own: readonly Column<Session>[] = [
  {
    name: 'tool',
    label: 'Through',
    cell: ({ tool, current }) => (
      <>
        {tool}{' '}
        {current && (
          <Badge variant="light" color="teal" tt="none" miw="max-content">
            this one
          </Badge>
        )}
      </>
    ),
  },
  {
    name: 'browser',
    label: 'Browser and address',
    cell: ({ browser, ip }) => (
      <div>
        {browser !== undefined && <div title={browser}>{browserName(browser)}</div>}
        <div className="quiet mono">{ip ?? '–'}</div>
      </div>
    ),
  },
  { name: 'createdAt', label: 'Signed in', cell: ({ createdAt }) => <Moment narrow at={createdAt} /> },
  { name: 'lastUsedAt', label: 'Last used', cell: ({ lastUsedAt }) => <Moment narrow at={lastUsedAt} /> },
  { name: 'expiresAt', label: 'Ends by itself', cell: ({ expiresAt }) => <Moment narrow at={expiresAt} /> },
  { name: 'end', label: '', right: true, cell: (session) => <EndSession session={session} /> },
];

export const columnsFor = (everybody: boolean): readonly Column<Session>[] =>
  everybody ? [personColumn, ...own] : own;
