/**
 * Reads the head of a file in the browser: its columns and a few values of each, to map them by. Only
 * the first part of the file is read, however large it is; the server reads the rest, strictly.
 */
import type { UploadType } from '../api/types.ts';
import { csvRows } from './csv-rows.ts';
import { type Delimiter, decoded, delimiters, type Reading } from './reading.ts';
import { readWorkbookHead } from './workbook-head.ts';

export interface FileHead {
  readonly type: UploadType;
  readonly columns: readonly string[];
  /** The first rows, by column. */
  readonly rows: readonly Readonly<Record<string, string>>[];
  readonly reading: Reading;
  /** Of a workbook: the names of its sheets. */
  readonly sheets?: readonly string[];
}

const headBytes = 64 * 1024;
const rowsShown = 3;

/** @throws Error with a sentence for people when the file has no columns to map. */
export const readHead = async (file: File, said: Reading = {}): Promise<FileHead> => {
  if (file.size === 0) throw new Error('The file is empty.');
  const bytes = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return workbookHead(file, said.sheet);
  const { text, encoding } = decoded(bytes, said.encoding);
  if (text.trim() === '') throw new Error('The file is empty.');
  return /\.(ndjson|jsonl)$/i.test(file.name) || text.trimStart().startsWith('{')
    ? { ...ndjsonHead(text), reading: { encoding } }
    : csvHead(text, { ...said, encoding });
};

const tableOf = ([header = [], ...rows]: readonly (readonly string[])[]) => {
  const columns = header.map((name) => name.trim());
  if (columns.every((name) => name === '')) throw new Error('The first line of the file names no columns.');
  const byColumn = (row: readonly string[]) =>
    Object.fromEntries(columns.map((name, i) => [name, row[i] ?? '']));
  return { columns: columns.filter((name) => name !== ''), rows: rows.map(byColumn) };
};

const csvHead = (text: string, { encoding = 'utf-8', ...said }: Reading): FileHead => {
  const delimiter = said.delimiter ?? delimiterOf(text);
  const table = tableOf(csvRows(text, rowsShown + 1, delimiters[delimiter]));
  const decimal = said.decimal === undefined ? {} : { decimal: said.decimal };
  return { type: 'text/csv', ...table, reading: { encoding, delimiter, ...decimal } };
};

/** Whatever makes most columns of the first row; of several the first. */
const delimiterOf = (text: string): Delimiter => {
  const columns = (name: Delimiter): number => csvRows(text, 1, delimiters[name])[0]?.length ?? 0;
  const names = Object.keys(delimiters) as Delimiter[];
  return names.reduce((best, name) => (columns(name) > columns(best) ? name : best));
};

const workbookHead = async (file: File, wanted: string | undefined): Promise<FileHead> => {
  const { sheet, sheets, rows } = await readWorkbookHead(file, wanted, rowsShown + 1);
  if (rows.length === 0) throw new Error(`The sheet "${sheet}" is empty.`);
  const type = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';
  return { type, ...tableOf(rows), reading: { sheet }, sheets };
};

const ndjsonHead = (text: string) => {
  const rows = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, rowsShown)
    .map(parsedRow);
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (columns.length === 0) throw new Error('The first lines of the file hold no fields.');
  return { type: 'application/x-ndjson' as const, columns, rows };
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
