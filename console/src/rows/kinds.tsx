/** The read models that have a page like all others: which columns, in which order, who may read them. */
import type { ReactNode } from 'react';
import { accountUrl } from '../accounts/columns.tsx';
import type { Row } from '../api/rows.ts';
import { Link } from '../navigation/link.tsx';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { Person } from '../parts/person.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { money, plainValue } from '../parts/written.ts';

export interface RowKind {
  /** Of the read model, and its address here. */
  readonly path: string;
  readonly title: string;
  /** One of them, for a line that counts. */
  readonly one: string;
  readonly permission: string;
  readonly keyField: string;
  readonly sort: string;
  /** What they may be narrowed to beside the account. */
  readonly statuses?: readonly string[];
  readonly columns: readonly Column<Row>[];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

const column = (
  name: string,
  label: string,
  cell: (row: Row) => ReactNode = (row) => plainValue(row[name]),
  more: Partial<Column<Row>> = {},
): Column<Row> => ({ name, label, sortBy: name, cell, ...more });

const key = (name: string, label: string) =>
  column(name, label, (row) => <span className="mono">{text(row[name])}</span>);

const account = column('accountId', 'Account', (row) => (
  <Link className="text-link mono" href={accountUrl(text(row.accountId))}>
    {text(row.accountId)}
  </Link>
));

const status = column('status', 'Status', (row) => <StateBadge state={text(row.status)} />);

const amount = (name: string, label: string) =>
  column(name, label, (row) => money(text(row[name]) || null, text(row.currency) || 'USD'), { right: true });

const time = (name: string, label: string) =>
  column(name, label, (row) => <Moment at={text(row[name]) || null} />);

const person = (name: string, label: string) =>
  column(name, label, (row) => <Person actor={text(row[name]) || undefined} />);

const prose = (name: string, label: string) => {
  const { sortBy: _, ...whole } = column(name, label, undefined, { wrap: true });
  return whole;
};

export const kinds: readonly RowKind[] = [
  {
    path: 'invoices',
    title: 'Invoices',
    one: 'invoice',
    permission: 'billing:read',
    keyField: 'invoiceId',
    sort: '-raisedAt',
    statuses: ['open', 'paid', 'void'],
    columns: [
      key('invoiceId', 'Invoice'),
      account,
      status,
      amount('amount', 'Amount'),
      amount('paid', 'Paid'),
      amount('refunded', 'Refunded'),
      amount('due', 'Due'),
      column('dueOn', 'Due on'),
      time('raisedAt', 'Raised'),
    ],
  },
  {
    path: 'credits',
    title: 'Credits',
    one: 'credit',
    permission: 'billing:read',
    keyField: 'creditId',
    sort: '-issuedAt',
    columns: [
      key('creditId', 'Credit'),
      account,
      amount('amount', 'Amount'),
      prose('reason', 'Reason'),
      person('issuedBy', 'By'),
      time('issuedAt', 'Issued'),
    ],
  },
  {
    path: 'notes',
    title: 'Notes',
    one: 'note',
    permission: 'support:read',
    keyField: 'noteId',
    sort: '-writtenAt',
    columns: [
      key('noteId', 'Note'),
      account,
      prose('text', 'Text'),
      person('writtenBy', 'By'),
      time('writtenAt', 'Written'),
    ],
  },
  {
    path: 'access-grants',
    title: 'Access grants',
    one: 'access grant',
    permission: 'support:read',
    keyField: 'grantId',
    sort: '-grantedAt',
    statuses: ['granted', 'revoked'],
    columns: [
      key('grantId', 'Grant'),
      account,
      column('grantee', 'Who was let in'),
      status,
      time('until', 'Until'),
      prose('reason', 'Reason'),
      person('grantedBy', 'By'),
      time('grantedAt', 'Granted'),
    ],
  },
];
