/** The columns of a job's items; the line only where the items came from a file. */

import { accountUrl } from '../accounts/columns.tsx';
import type { ItemResult } from '../api/types.ts';
import { Link } from '../navigation/link.tsx';
import type { Column } from '../parts/data-table.tsx';
import { count } from '../parts/written.ts';

const hasLine = (item: ItemResult): boolean => item.line !== null && item.line !== undefined;

export const resultColumns = (rows: readonly ItemResult[]): readonly Column<ItemResult>[] => [
  rows.some(hasLine)
    ? { name: 'line', label: 'Line', right: true, cell: (item) => (item.line ? count(item.line) : '–') }
    : { name: 'index', label: 'Item', right: true, cell: (item) => count(item.index) },
  { name: 'target', label: 'Target', cell: (item) => <Target target={item.target} /> },
  ...(rows.some(({ code }) => code) ? trouble : []),
  ...(rows.some(({ wouldAppend }) => wouldAppend) ? would : []),
];

const trouble: readonly Column<ItemResult>[] = [
  { name: 'code', label: 'Code', cell: (item) => <span className="mono">{item.code ?? '–'}</span> },
  { name: 'path', label: 'Field', cell: (item) => item.path || '–' },
  { name: 'message', label: 'Message', wrap: true, cell: (item) => item.message ?? '–' },
];

const would: readonly Column<ItemResult>[] = [
  {
    name: 'would',
    label: 'Would record',
    wrap: true,
    cell: (item) => item.wouldAppend?.join(', ') || 'nothing',
  },
];

const Target = ({ target }: { readonly target: string | null | undefined }) =>
  target ? (
    <Link className="text-link mono" href={accountUrl(target)}>
      {target}
    </Link>
  ) : (
    '–'
  );
