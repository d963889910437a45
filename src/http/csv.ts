/**
 * CSV for people and programs: RFC 4180 with CRLF, a header line, empty for null. A text that a
 * spreadsheet would run as a formula (`=`, `+`, `-`, `@`, tab or carriage return in front) gets a `'`
 * before it; numbers and amounts stay as they are. Who needs text byte for byte reads NDJSON.
 */
export interface Column {
  readonly name: string;
  /** Whether it holds free text, which may need the guard. */
  readonly text: boolean;
}

export async function* csvLines(
  columns: readonly Column[],
  rows: AsyncIterable<Readonly<Record<string, unknown>>>,
): AsyncGenerator<string> {
  yield line(columns.map((column) => column.name));
  for await (const row of rows) yield line(columns.map((column) => cell(row[column.name], column.text)));
}

const line = (cells: readonly string[]): string => `${cells.map(quoted).join(',')}\r\n`;

const cell = (value: unknown, guarded: boolean): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return guarded ? withoutFormula(value) : value;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
};

const withoutFormula = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
