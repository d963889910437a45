/**
 * CSV for people and programs: RFC 4180 with CRLF, a header line, empty for null. For people, a text that a
 * spreadsheet would run as a formula (`=`, `+`, `-`, `@`, tab or carriage return in front) gets a `'` before it;
 * numbers and amounts stay as they are.
 */
export interface CsvColumn {
  readonly name: string;
  /** Whether it holds free text, which may need the guard. */
  readonly text: boolean;
}

type CsvRow = Readonly<Record<string, unknown>>;

export const csvHeader = (columns: readonly CsvColumn[]): string =>
  line(columns.map(({ name }) => quoted(name)));

/** The line of a row; `raw` leaves every text as it is. */
export const csvRow = (columns: readonly CsvColumn[], raw = false): ((row: CsvRow) => string) => {
  const cells = columns.map(({ name, text }) => {
    const guarded = text && !raw;
    return (row: CsvRow): string => cell(row[name], guarded);
  });
  return (row) => line(cells.map((one) => one(row)));
};

const line = (cells: readonly string[]): string => `${cells.join(',')}\r\n`;

const cell = (value: unknown, guarded: boolean): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return quoted(guarded ? withoutFormula(value) : value);
  return typeof value === 'object' ? quoted(JSON.stringify(value)) : String(value);
};

const withoutFormula = (text: string): string => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
