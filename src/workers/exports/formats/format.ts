/** The bytes of an export's file, from pages of rows. Ending the iteration early ends that of the pages. */
import type { ExportedRow, Field } from '../parts.ts';
import type { Escape, ExportFormat } from '../request.ts';
import { csvHeader, csvRow } from './csv.ts';
import { workbook } from './workbook.ts';

export type Pages = AsyncIterable<readonly ExportedRow[]>;

export interface FormatOptions {
  readonly format: ExportFormat;
  readonly escaping: Escape;
  /** What the rows are; the sheet of a workbook is named so. */
  readonly title: string;
}

async function* csv(fields: readonly Field[], pages: Pages, escaping: Escape): AsyncGenerator<Buffer> {
  const lineOf = csvRow(fields, escaping === 'raw');
  yield Buffer.from(csvHeader(fields));
  for await (const rows of pages) yield Buffer.from(rows.map(lineOf).join(''));
}

async function* ndjson(pages: Pages): AsyncGenerator<Buffer> {
  for await (const rows of pages) yield Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

export const formatted = (
  fields: readonly Field[],
  pages: Pages,
  { format, escaping, title }: FormatOptions,
): AsyncIterable<Buffer> => {
  if (format === 'csv') return csv(fields, pages, escaping);
  return format === 'ndjson' ? ndjson(pages) : workbook(fields, pages, title);
};
