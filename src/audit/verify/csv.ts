/** The events of an export in a CSV file, held against what its manifest says of them. */

import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { StoredEvent } from '../../events/envelope.ts';
import { csvColumns } from '../provable/format.ts';
import { entryOf } from '../transparency/entry.ts';
import { leafHash } from '../transparency/merkle.ts';
import type { FaultKind, PartResult } from './part.ts';
import { parseOnce } from './whole-text.ts';

type Report = (kind: FaultKind, position: number, message: string) => void;

/** What is wrong is reported as it is found: there may be more of it than fits into memory. */
export interface EventsInCsv {
  /**
   * The next events, which must be these: position and leaf in base64, in order.
   * @throws whatever the source of the bytes fails with: that tells nothing about what it holds
   */
  compare(wanted: PartResult['wanted'], report: Report): Promise<void>;
  /** What is behind them. */
  rest(report: Report): Promise<void>;
}

/** Longer than any event: a quotation mark that never closes would take all memory. */
const recordBytesMax = 64 * 1_048_576;

type Row = Readonly<Record<(typeof csvColumns)[number], string>>;

const numberOf = (cell: string): number => {
  if (!/^(0|[1-9]\d{0,14})$/.test(cell)) throw new SyntaxError(`${cell} is no number.`);
  return Number(cell);
};

/** A column that no export has would show a reader what nobody sealed. */
const columnsOf = (header: readonly string[]): readonly string[] => {
  if (header.join() !== csvColumns.join())
    throw new Error(`its columns are ${header.join()}, and those of an export ${csvColumns.join()}.`);
  return header;
};

const eventOf = (row: Row): StoredEvent => ({
  position: numberOf(row.position),
  id: row.id,
  stream: row.stream,
  version: numberOf(row.version),
  type: row.type,
  schemaVersion: numberOf(row.schemaVersion),
  recordedAt: row.recordedAt,
  data: parseOnce(row.data) as StoredEvent['data'],
  metadata: parseOnce(row.metadata) as StoredEvent['metadata'],
});

export const createEventsInCsv = (source: AsyncIterable<Uint8Array>): EventsInCsv => {
  const bytes = Readable.from(source);
  const parser = parse({
    columns: (header: readonly string[]) => [...columnsOf(header)],
    bom: true,
    max_record_size: recordBytesMax,
  });
  let sourceFailed = false;
  bytes.on('error', (error) => {
    sourceFailed = true;
    parser.destroy(error);
  });
  // Told by the next row that is asked for.
  parser.on('error', () => undefined);
  const rows = bytes.pipe(parser)[Symbol.asyncIterator]() as AsyncIterator<Row>;
  let held: Row | undefined;
  let broken = false;

  const next = async (): Promise<Row | undefined> => {
    if (held !== undefined || broken) return held;
    const { value, done } = await rows.next();
    if (done !== true) held = value;
    return held;
  };

  const leafOf = (row: Row): string | undefined => {
    try {
      return leafHash(entryOf(eventOf(row))).toString('base64');
    } catch {
      return undefined;
    }
  };

  const guarded = async (report: Report, look: () => Promise<void>): Promise<void> => {
    try {
      await look();
    } catch (error) {
      if (sourceFailed) throw error;
      broken = true;
      held = undefined;
      const why = error instanceof Error ? error.message : String(error);
      report('malformed', 0, `The CSV file cannot be read: ${why}`);
    }
  };

  const stray = (row: Row, report: Report): void =>
    report(
      'stray',
      Number(row.position) || 0,
      `The CSV file holds position ${row.position}, which does not belong there.`,
    );

  const compareOne = async (position: number, leaf: string, report: Report): Promise<void> => {
    let row = await next();
    for (; row !== undefined && !(Number(row.position) >= position); row = await next()) {
      stray(row, report);
      held = undefined;
    }
    if (row === undefined || Number(row.position) > position)
      return report(
        'left-out',
        position,
        `The event at position ${position} matches the filter and is not in the CSV file.`,
      );
    if (leafOf(row) !== leaf)
      report('altered', position, `The event at position ${position} is not the one that was sealed.`);
    held = undefined;
  };

  return {
    compare: (wanted, report) =>
      guarded(report, async () => {
        for (const [position, leaf] of broken ? [] : wanted) await compareOne(position, leaf, report);
      }),
    rest: (report) =>
      guarded(report, async () => {
        const row = await next();
        if (row !== undefined) stray(row, report);
      }),
  };
};
