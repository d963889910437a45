/**
 * A workbook (.xlsx, ECMA-376) of one table, written as its rows come: nothing of it is held but the piece under
 * way. Text is text, whatever it begins with; amounts and numbers are numbers where Excel keeps all their digits
 * (15), dates are dates. A sheet holds 1,048,576 rows, of which the first is the header; what is beyond goes on in
 * another sheet.
 */
import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import { QuarterdeckError } from '../../../errors.ts';
import type { ExportedRow, Field } from '../parts.ts';
import type { Pages } from './format.ts';
import {
  columnName,
  contentTypes,
  head,
  rels,
  sheetTail,
  styles,
  workbookPart,
  workbookRels,
} from './sheet-parts.ts';

const rowsMax = 1_048_576;
/** A part of a zip file without its 64-bit form, which not every reader knows, is smaller than 4 GiB. */
const sheetBytesMax = 3_000_000_000;
const cellCharsMax = 32_767;
const digitsMax = 15;
const dayMs = 86_400_000;
const epochMs = Date.UTC(1899, 11, 30);

/** What XML cannot hold is written `_xHHHH_`, and so is the underscore of what looks like that. */
const unholdable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\0-\x08\x0b\x0c\x0d\x0e-\x1f\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)/g;
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

const escaped = (text: string): string =>
  text
    .replace(/[&<>]/g, (char) => entities[char] ?? char)
    .replace(unholdable, (char) => `_x${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`);

const textCell = (place: string, text: string, field: string): string => {
  if (text.length > cellCharsMax)
    throw new QuarterdeckError(
      'invalid_input',
      `The cell ${place} (${field}) has ${text.length} characters; a workbook holds ${cellCharsMax}. Export as CSV or NDJSON, or leave the field out.`,
    );
  return `<c r="${place}" t="inlineStr"><is><t xml:space="preserve">${escaped(text)}</t></is></c>`;
};

const isKept = (number: string): boolean =>
  /^-?\d+(\.\d+)?$/.test(number) && number.replace(/[-.]/g, '').replace(/^0+/, '').length <= digitsMax;

/** Days since the end of 1899; undefined before March 1900, where Excel counts a day that was none. */
const serialOf = (date: string): number | undefined => {
  const serial = (Date.parse(`${date}T00:00:00Z`) - epochMs) / dayMs;
  return Number.isInteger(serial) && serial > 60 ? serial : undefined;
};

const cellOf = (place: string, { name, kind }: Field, value: unknown): string => {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return `<c r="${place}" t="b"><v>${value ? 1 : 0}</v></c>`;
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const isNumber = kind === 'money' || kind === 'integer' || kind === 'number';
  if (isNumber && isKept(text)) return `<c r="${place}"><v>${text}</v></c>`;
  const serial = kind === 'date' ? serialOf(text) : undefined;
  if (serial !== undefined) return `<c r="${place}" s="2"><v>${serial}</v></c>`;
  return textCell(place, text, name);
};

interface Rest {
  /** Rows that were read and are not written yet. */
  waiting: readonly ExportedRow[];
  readonly pages: AsyncIterator<readonly ExportedRow[]>;
  done: boolean;
}

const fetchMore = async (rest: Rest): Promise<void> => {
  while (rest.waiting.length === 0 && !rest.done) {
    const next = await rest.pages.next();
    if (next.done === true) rest.done = true;
    else rest.waiting = next.value;
  }
};

/** A page becomes bytes at once: rows that wait while pieces of their page are sent would outlive cheap collections. */
async function* sheetXml(fields: readonly Field[], rest: Rest): AsyncGenerator<Buffer> {
  const names = fields.map((_, n) => columnName(n));
  yield Buffer.from(head(fields, names));
  let bytes = 0;
  let line = 1;
  for (await fetchMore(rest); rest.waiting.length > 0; await fetchMore(rest)) {
    const room = bytes > sheetBytesMax ? 0 : rowsMax - line;
    if (room === 0) break;
    const lines = rest.waiting.slice(0, room).map((row) => {
      line++;
      const cells = fields.map((field, n) => cellOf(`${names[n]}${line}`, field, row[field.name]));
      return `<row r="${line}">${cells.join('')}</row>`;
    });
    rest.waiting = rest.waiting.slice(lines.length);
    const piece = Buffer.from(lines.join(''));
    bytes += piece.length;
    yield piece;
  }
  yield Buffer.from(sheetTail);
}

const ended = async (stream: Readable): Promise<void> => {
  if (stream.closed) return;
  stream.on('error', () => undefined);
  await new Promise((resolve) => {
    stream.once('close', resolve);
    stream.destroy();
  });
};

export async function* workbook(
  fields: readonly Field[],
  pages: Pages,
  title: string,
): AsyncGenerator<Buffer> {
  const rest: Rest = { waiting: [], pages: pages[Symbol.asyncIterator](), done: false };
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  const fail = (error: Error): void => void output.destroy(error);
  zip.on('error', fail);
  let sheets = 0;
  let sheet: Readable | undefined;

  const finish = (): void => {
    zip.addBuffer(Buffer.from(workbookPart(title, sheets)), 'xl/workbook.xml');
    zip.addBuffer(Buffer.from(workbookRels(sheets)), 'xl/_rels/workbook.xml.rels');
    zip.addBuffer(Buffer.from(styles), 'xl/styles.xml');
    zip.addBuffer(Buffer.from(rels), '_rels/.rels');
    zip.addBuffer(Buffer.from(contentTypes(sheets)), '[Content_Types].xml');
    zip.end();
  };

  const addSheet = (): void => {
    sheets++;
    const stream = Readable.from(sheetXml(fields, rest), { objectMode: false, highWaterMark: 64 * 1024 });
    sheet = stream;
    stream.once('error', fail);
    stream.once('end', () => {
      if (rest.waiting.length > 0) addSheet();
      else finish();
    });
    zip.addReadStream(stream, `xl/worksheets/sheet${sheets}.xml`, { compressionLevel: 1 });
  };

  addSheet();
  try {
    yield* output as AsyncIterable<Buffer>;
  } finally {
    // Whoever stops reading early must not leave the source of rows waiting for ever.
    if (sheet !== undefined) await ended(sheet);
    await rest.pages.return?.();
  }
}
