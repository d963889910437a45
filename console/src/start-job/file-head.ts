/**
 * Reads the head of a file in the browser: its columns and a few values of each, to map them by. Only
 * the first part of the file is read, however large it is; the server reads the rest, strictly.
 */
export interface FileHead {
  readonly type: 'text/csv' | 'application/x-ndjson';
  readonly columns: readonly string[];
  /** The first rows, by column. */
  readonly rows: readonly Readonly<Record<string, string>>[];
}

const headBytes = 64 * 1024;
const rowsShown = 3;

/** @throws Error with a sentence for people when the file has no columns to map. */
export const readHead = async (file: File): Promise<FileHead> => {
  const text = (await file.slice(0, headBytes).text()).replace(/^\uFEFF/, '');
  if (text.trim() === '') throw new Error('The file is empty.');
  return /\.(ndjson|jsonl)$/i.test(file.name) || text.trimStart().startsWith('{')
    ? ndjsonHead(text)
    : csvHead(text);
};

const csvHead = (text: string): FileHead => {
  const [header = [], ...rows] = csvRows(text, rowsShown + 1);
  const columns = header.map((name) => name.trim());
  if (columns.every((name) => name === '')) throw new Error('The first line of the file names no columns.');
  const byColumn = (row: readonly string[]) =>
    Object.fromEntries(columns.map((name, i) => [name, row[i] ?? '']));
  return { type: 'text/csv', columns: columns.filter((name) => name !== ''), rows: rows.map(byColumn) };
};

const ndjsonHead = (text: string): FileHead => {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, rowsShown)
    .map(parsedRow);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (columns.length === 0) throw new Error('The first lines of the file hold no fields.');
  return { type: 'application/x-ndjson', columns, rows };
};

const parsedRow = (line: string, index: number): Record<string, string> => {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row === 'object' && row !== null) {
      return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)]));
    }
  } catch {
    // said below, in words
  }
  throw new Error(`Line ${index + 1} of the file is not a JSON object.`);
};

/** The first rows of a CSV (RFC 4180): quotes, doubled quotes, line breaks within quotes, CRLF. */
export const csvRows = (text: string, rowsMax: number): string[][] => {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const { value, ends } of cells(text)) {
    row.push(value);
    if (!ends) continue;
    if (row.length > 1 || value !== '') rows.push(row);
    if (rows.length === rowsMax) return rows;
    row = [];
  }
  return rows;
};

/** One cell: quoted or bare, then a comma, a line's end, or the end of the text. */
const cell = /(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/y;

function* cells(text: string): Generator<{ value: string; ends: boolean }> {
  cell.lastIndex = 0;
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (found === null) return;
    yield { value: found[1]?.replaceAll('""', '"') ?? found[2] ?? '', ends: found[3] !== ',' };
  }
}
