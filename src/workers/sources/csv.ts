/**
 * A CSV upload: the first row names the columns. Cells are separated by comma, semicolon or tab: as said, or
 * as the first row is read best. Numbers have a decimal point unless a comma was chosen.
 */
import { type CsvRows, createCsvRows } from './csv-rows.ts';
import type { Encoding } from './encodings.ts';
import { malformedLine } from './faults.ts';
import type { Decimal } from './fields.ts';
import { type Bindings, bind, createRowReader, type Wanted, wantedIn } from './header.ts';
import { batchItems, rowCharsMax, type SourceItem, type UploadSource } from './source.ts';
import { textOf } from './text.ts';

export const delimiters = { comma: ',', semicolon: ';', tab: '\t' } as const;

export type Delimiter = keyof typeof delimiters;

export interface CsvOptions {
  readonly encoding: Encoding;
  /** undefined: as the first row is read best. */
  readonly delimiter: Delimiter | undefined;
  readonly decimal: Decimal;
}

interface Head {
  readonly delimiter: Delimiter;
  readonly columns: readonly string[];
  readonly wanted: number;
}

export const csvSource = (
  content: AsyncIterable<Uint8Array>,
  wanted: Wanted,
  { encoding, delimiter, decimal }: CsvOptions,
): UploadSource => {
  const { pieces, encoding: encodingFound } = textOf(content, encoding);
  let found = delimiter;

  const items = async function* () {
    const iterator = pieces[Symbol.asyncIterator]();
    try {
      const { text, last, head } = await readHead(iterator, delimiter, wanted);
      found = head.delimiter;
      const rows = createCsvRows(delimiters[head.delimiter]);
      rows.read(text, last);
      yield* itemsOf(iterator, rows, last, bind(head.columns, wanted), head.columns.length, decimal);
    } finally {
      await iterator.return?.();
    }
  };
  return {
    items: items(),
    readAs: () => ({
      encoding: encodingFound(),
      decimal,
      ...(found === undefined ? {} : { delimiter: found }),
    }),
  };
};

async function* itemsOf(
  pieces: AsyncIterator<string>,
  rows: CsvRows,
  headWasLast: boolean,
  bindings: Bindings,
  columns: number,
  decimal: Decimal,
): AsyncGenerator<readonly SourceItem[]> {
  const taken = Array.from({ length: columns }, (_, column) => bindings.some((b) => b.column === column));
  rows.take(taken);
  const places = [...new Set(bindings.map(({ column }) => column))];
  const itemOf = createRowReader(
    bindings,
    bindings.map(({ column }) => places.indexOf(column)),
    decimal,
  );
  let batch: SourceItem[] = [];
  for (let piece = '', last = headWasLast; ; ) {
    for (const { line, cells } of rows.read(piece, last)) {
      batch.push(itemOf(line, cells));
      if (batch.length < batchItems) continue;
      yield batch;
      batch = [];
    }
    if (last) break;
    const next = await pieces.next();
    last = next.done === true;
    piece = next.done === true ? '' : next.value;
  }
  if (batch.length > 0) yield batch;
}

/** Reads on until the first row is whole. `last`: this is all that there is. */
const readHead = async (
  pieces: AsyncIterator<string>,
  delimiter: Delimiter | undefined,
  wanted: Wanted,
): Promise<{ text: string; last: boolean; head: Head }> => {
  let text = '';
  for (;;) {
    const next = await pieces.next();
    const last = next.done === true;
    text += next.done === true ? '' : next.value;
    const head = bestHead(text, last || text.length > rowCharsMax, delimiter, wanted);
    if (head !== undefined) return { text, last, head };
    if (last) throw malformedLine(1, 'The upload is empty; its first row names the columns.');
  }
};

/** The reading with most of the wanted columns, then with most columns; undefined: no row is whole yet. */
const bestHead = (
  text: string,
  last: boolean,
  delimiter: Delimiter | undefined,
  wanted: Wanted,
): Head | undefined => {
  const names = delimiter === undefined ? (Object.keys(delimiters) as Delimiter[]) : [delimiter];
  let best: Head | undefined;
  let fault: unknown;
  for (const name of names) {
    try {
      const [row] = createCsvRows(delimiters[name]).read(text, last);
      if (row === undefined) continue;
      const head = { delimiter: name, columns: row.cells, wanted: wantedIn(row.cells, wanted) };
      if (best === undefined || isBetter(head, best)) best = head;
    } catch (error) {
      fault ??= error;
    }
  }
  if (best === undefined && fault !== undefined) throw fault;
  return best;
};

const isBetter = (a: Head, b: Head): boolean =>
  a.wanted > b.wanted || (a.wanted === b.wanted && a.columns.length > b.columns.length);
