/** The columns of the list of exports. */
import { Progress, Text } from '@mantine/core';
import { type Export, formats, isRunning } from '../api/exports.ts';
import type { Column } from '../parts/data-table.tsx';
import { Moment } from '../parts/moment.tsx';
import { Person } from '../parts/person.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { bytes, count, words } from '../parts/written.ts';
import { ExportActs } from './export-acts.tsx';

const formatOf = (format: string): string => formats.find(({ value }) => value === format)?.label ?? format;

const share = ({ rows, total }: Export): number =>
  total === null || total === 0 ? 0 : Math.min(100, (rows / total) * 100);

const rowsOf = ({ rows, total }: Export): string =>
  total === null || rows === total ? count(rows) : `${count(rows)} of ${count(total)}`;

export const columns: readonly Column<Export>[] = [
  {
    name: 'label',
    label: 'Export',
    wrap: true,
    cell: (one) => (
      <>
        <div>{one.label ?? words(one.query)}</div>
        <div className="quiet">
          {words(one.query)} · {formatOf(one.format)} · {count(one.fields.length)}{' '}
          {one.fields.length === 1 ? 'field' : 'fields'}
        </div>
        {one.error !== undefined && (
          <Text size="sm" c="red">
            {one.error.message}
          </Text>
        )}
      </>
    ),
  },
  { name: 'state', label: 'State', cell: (one) => <StateBadge state={one.state} /> },
  { name: 'acts', label: 'File', cell: (one) => <ExportActs one={one} /> },
  {
    name: 'rows',
    label: 'Rows',
    right: true,
    cell: (one) => (
      <div style={{ minWidth: 64 }}>
        <div className="numbers">{rowsOf(one)}</div>
        {isRunning(one) && <Progress value={share(one)} size="sm" aria-label="Progress" />}
      </div>
    ),
  },
  { name: 'bytes', label: 'Size', right: true, cell: (one) => (one.bytes === null ? '–' : bytes(one.bytes)) },
  { name: 'requestedBy', label: 'By', cell: (one) => <Person actor={one.requestedBy} /> },
  { name: 'requestedAt', label: 'Requested', cell: (one) => <Moment narrow at={one.requestedAt} /> },
  {
    name: 'expiresAt',
    label: 'Kept until',
    cell: (one) => (one.expiresAt === null ? '–' : <Moment narrow at={one.expiresAt} />),
  },
];
