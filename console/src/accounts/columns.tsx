/** The columns of the account list, and the fields that they need. */
import type { Account } from '../api/types.ts';
import { Link } from '../navigation/link.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { money } from '../parts/written.ts';

export const accountUrl = (accountId: string): string => `/accounts/${encodeURIComponent(accountId)}`;

const columns: readonly Column<Account>[] = [
  {
    name: 'accountId',
    label: 'Account',
    sortBy: 'accountId',
    cell: (row) => (
      <Link className="text-link mono" href={accountUrl(row.accountId)}>
        {row.accountId}
      </Link>
    ),
  },
  { name: 'status', label: 'Status', sortBy: 'status', cell: (row) => <StateBadge state={row.status} /> },
  { name: 'plan', label: 'Plan', sortBy: 'plan', cell: (row) => row.plan },
  { name: 'contract', label: 'Contract', sortBy: 'contract', cell: (row) => row.contract },
  {
    name: 'monthlyCharges',
    label: 'Monthly',
    sortBy: 'monthlyCharges',
    right: true,
    cell: (row) => money(row.monthlyCharges, row.currency),
  },
  {
    name: 'totalCharges',
    label: 'Total',
    sortBy: 'totalCharges',
    right: true,
    cell: (row) => money(row.totalCharges, row.currency),
  },
];

const tail: readonly Column<Account>[] = [
  {
    name: 'tenureMonths',
    label: 'Months',
    sortBy: 'tenureMonths',
    right: true,
    cell: (row) => row.tenureMonths,
  },
  { name: 'changedAt', label: 'Changed', sortBy: 'changedAt', cell: (row) => <Moment at={row.changedAt} /> },
];

const internal: readonly Column<Account>[] = [
  { name: 'margin', label: 'Margin', right: true, cell: (row) => money(row.margin, row.currency) },
];

/** What only some may read stands apart: asking for it without the permission is refused. */
export const readInternal = 'accounts:read-internal';

export const columnsFor = (mayReadInternal: boolean): readonly Column<Account>[] => [
  ...columns,
  ...(mayReadInternal ? internal : []),
  ...tail,
];

/** The fields that the list shows and no others: reading personal ones is recorded. */
export const fieldsFor = (mayReadInternal: boolean): string =>
  [...columnsFor(mayReadInternal).map(({ name }) => name), 'currency'].join(',');
