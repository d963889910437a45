/** CSV as an answer: the lines of rows that come one by one, guarded for people who open it in a spreadsheet. */
import { type CsvColumn, csvHeader, csvRow } from '../workers/exports/formats/csv.ts';

export type Column = CsvColumn;

export async function* csvLines(
  columns: readonly Column[],
  rows: AsyncIterable<Readonly<Record<string, unknown>>>,
): AsyncGenerator<string> {
  const lineOf = csvRow(columns);
  yield csvHeader(columns);
  for await (const row of rows) yield lineOf(row);
}
