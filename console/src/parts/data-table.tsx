/**
 * The one table of the console: columns by value, headers that sort, rows that open something. Long
 * lists render only the rows in view; their keys are the rows' own, so live updates stay in place.
 */
import { NativeSelect } from '@mantine/core';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useRef } from 'react';
import { SortIcon } from './icons.tsx';

export interface Column<Row> {
  readonly name: string;
  readonly label: string;
  readonly cell: (row: Row) => ReactNode;
  readonly right?: boolean;
  readonly wrap?: boolean;
  /** The field that the API sorts by. */
  readonly sortBy?: string;
}

interface DataTableProps<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string | number;
  readonly onOpen?: (row: Row) => void;
  /** `field` or `-field`, as in the API. */
  readonly sort?: string;
  readonly onSort?: (sort: string) => void;
  readonly rowTestId: string;
}

const rowHeightPx = 38;
/** Up to here a plain table is quicker, and the browser's own search sees every row. */
const plainRows = 300;

export const DataTable = <Row,>(props: DataTableProps<Row>) => {
  const { caption, columns, rows, keyOf } = props;
  const frame = useRef<HTMLDivElement>(null);
  const plain = rows.length <= plainRows;
  const virtual = useWindowVirtualizer({
    count: rows.length,
    enabled: !plain,
    estimateSize: () => rowHeightPx,
    overscan: 20,
    scrollMargin: frame.current?.offsetTop ?? 0,
  });
  const items = plain ? [] : virtual.getVirtualItems();
  const margin = virtual.options.scrollMargin;
  const above = (items[0]?.start ?? margin) - margin;
  const below = plain ? 0 : virtual.getTotalSize() - ((items.at(-1)?.end ?? margin) - margin);
  return (
    <div className="table-frame" ref={frame}>
      <SortChoice {...props} />
      <table className="table" aria-label={caption} aria-rowcount={rows.length}>
        <thead>
          <tr>
            {columns.map((column) => (
              <Header key={column.name} column={column} sort={props.sort} onSort={props.onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          <Spacer height={above} span={columns.length} />
          {plain && rows.map((row) => <BodyRow key={keyOf(row)} row={row} {...props} />)}
          {items.map(({ index }) => {
            const row = rows[index];
            if (row === undefined) return null;
            return (
              <BodyRow key={keyOf(row)} row={row} index={index} measure={virtual.measureElement} {...props} />
            );
          })}
          <Spacer height={below} span={columns.length} />
        </tbody>
      </table>
    </div>
  );
};

/** On narrow screens rows are cards without a head: what it sorts by is chosen here. */
const SortChoice = <Row,>({ columns, sort, onSort }: DataTableProps<Row>) => {
  const sortable = columns.filter(({ sortBy }) => sortBy !== undefined);
  if (onSort === undefined || sortable.length === 0) return null;
  return (
    <NativeSelect
      className="table-sort"
      label="Sort by"
      value={sort ?? ''}
      data={sortable.flatMap(({ sortBy = '', label }) => [
        { value: sortBy, label: `${label}, upwards` },
        { value: `-${sortBy}`, label: `${label}, downwards` },
      ])}
      onChange={(event) => onSort(event.currentTarget.value)}
    />
  );
};

const Spacer = ({ height, span }: { readonly height: number; readonly span: number }) =>
  height > 0 ? (
    <tr>
      <td colSpan={span} style={{ height, padding: 0 }} />
    </tr>
  ) : null;

interface BodyRowProps<Row> extends DataTableProps<Row> {
  readonly row: Row;
  /** Only of long lists: rows differ in height, so each tells its own. */
  readonly index?: number;
  readonly measure?: (row: HTMLTableRowElement | null) => void;
}

const BodyRow = <Row,>({ row, index, measure, columns, onOpen, rowTestId, keyOf }: BodyRowProps<Row>) => (
  // The row's first cell holds a real link or button for keyboards; a click anywhere is a convenience.
  <tr
    ref={measure}
    data-index={index}
    data-testid={rowTestId}
    data-key={keyOf(row)}
    className={onOpen === undefined ? undefined : 'clickable'}
    onClick={(event) => {
      if (onOpen === undefined || isOwnControl(event.target) || hasSelection()) return;
      onOpen(row);
    }}
  >
    {columns.map((column) => (
      <td key={column.name} className={classOf(column)} data-label={column.label}>
        {column.cell(row)}
      </td>
    ))}
  </tr>
);

const isOwnControl = (target: EventTarget): boolean =>
  target instanceof Element && target.closest('a, button, input') !== null;

/** Somebody who marks text to copy it does not want to leave. */
const hasSelection = (): boolean => (window.getSelection()?.toString() ?? '') !== '';

const classOf = <Row,>({ right, wrap }: Column<Row>): string =>
  [right === true ? 'right numbers' : '', wrap === true ? 'wrap' : ''].join(' ').trim();

interface HeaderProps<Row> {
  readonly column: Column<Row>;
  readonly sort: string | undefined;
  readonly onSort: ((sort: string) => void) | undefined;
}

const Header = <Row,>({ column, sort, onSort }: HeaderProps<Row>) => {
  const { sortBy, label, right } = column;
  const className = right === true ? 'right' : undefined;
  if (sortBy === undefined || onSort === undefined) {
    return (
      <th scope="col" className={className}>
        {label}
      </th>
    );
  }
  const order = sort === sortBy ? 'ascending' : sort === `-${sortBy}` ? 'descending' : 'none';
  return (
    <th scope="col" className={className} aria-sort={order}>
      <button
        type="button"
        className="sort"
        onClick={() => onSort(order === 'ascending' ? `-${sortBy}` : sortBy)}
      >
        {label}
        <SortIcon size={14} />
      </button>
    </th>
  );
};
