/** The columns of erasures and of legal holds. */
import type { Erasure, LegalHold } from '../api/compliance.ts';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { StateBadge } from '../parts/state-badge.tsx';

export const erasureColumns: readonly Column<Erasure>[] = [
  { name: 'subject', label: 'Whose data', cell: ({ subject }) => subject },
  { name: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { name: 'basis', label: 'On which ground', cell: ({ basis, statute }) => statute ?? basis ?? '–' },
  { name: 'erasedAt', label: 'Erased', cell: ({ erasedAt }) => <Moment narrow at={erasedAt} /> },
  {
    name: 'scrubbedAt',
    label: 'Copies scrubbed',
    cell: ({ scrubbedAt }) => <Moment narrow at={scrubbedAt} />,
  },
  {
    name: 'reappliedAt',
    label: 'Again after a backup',
    cell: ({ reappliedAt }) => <Moment narrow at={reappliedAt} />,
  },
];

export const holdColumns: readonly Column<LegalHold>[] = [
  { name: 'holdId', label: 'Hold', cell: ({ holdId }) => holdId },
  { name: 'subject', label: 'Whose data', cell: ({ subject }) => subject },
  { name: 'matter', label: 'Matter', cell: ({ matter }) => matter, wrap: true },
  { name: 'state', label: 'State', cell: ({ state }) => <StateBadge state={state} /> },
  { name: 'placedAt', label: 'Placed', cell: ({ placedAt }) => <Moment narrow at={placedAt} /> },
  { name: 'liftedAt', label: 'Lifted', cell: ({ liftedAt }) => <Moment narrow at={liftedAt} /> },
];
