/** The events of an export in a CSV file, held against what its manifest says of them. */

import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import type { StoredEvent } from '../../events/envelope.ts';
import { csvColumns } from '../provable/format.ts';
import { entryOf } from '../transparency/entry.ts';
import { leafHash } from '../transparency/merkle.ts';
import type { FaultKind, PartResult } from './part.ts';
import { parseOnce } from './whole-text.ts';

type Found = readonly [kind: FaultKind, position: number, message: string];

export interface EventsInCsv {
  /** The next events, which must be these: position and leaf in base64, in order. */
  compare(wanted: PartResult['wanted']): Promise<readonly Found[]>;
  /** What is behind them. */
  rest(): Promise<readonly Found[]>;
}

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
  const rows = Readable.from(source)
    .pipe(parse({ columns: (header: readonly string[]) => [...columnsOf(header)], bom: true }))
    [Symbol.asyncIterator]() as AsyncIterator<Row>;
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

  const malformed = (error: unknown): Found => {
    broken = true;
    held = undefined;
    return [
      'malformed',
      0,
      `The CSV file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    ];
  };

  const guarded = async (look: () => Promise<readonly Found[]>): Promise<readonly Found[]> => {
    try {
      return await look();
    } catch (error) {
      return [malformed(error)];
    }
  };

  return {
    compare: (wanted) =>
      guarded(async () => {
        const found: Found[] = [];
        for (const [position, leaf] of broken ? [] : wanted) {
          let row = await next();
          for (; row !== undefined && !(Number(row.position) >= position); row = await next()) {
            found.push([
              'stray',
              Number(row.position) || 0,
              `The CSV file holds position ${row.position}, which does not belong there.`,
            ]);
            held = undefined;
          }
          if (row === undefined || Number(row.position) > position) {
            found.push([
              'left-out',
              position,
              `The event at position ${position} matches the filter and is not in the CSV file.`,
            ]);
            continue;
          }
          if (leafOf(row) !== leaf)
            found.push([
              'altered',
              position,
              `The event at position ${position} is not the one that was sealed.`,
            ]);
          held = undefined;
        }
        return found;
      }),
    rest: () =>
      guarded(async () => {
        const row = await next();
        return row === undefined
          ? []
          : [
              [
                'stray',
                Number(row.position) || 0,
                `The CSV file holds position ${row.position}, which does not belong there.`,
              ],
            ];
      }),
  };
};
