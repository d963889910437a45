/** The customers as a workbook, as spreadsheet programs write one: every text once, cells name it by number. */
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';
import { customers, namesOfColumns } from './telco.ts';

const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

const relations = (...list: readonly (readonly [string, string])[]): Buffer =>
  Buffer.from(
    `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${list
      .map(
        ([type, target], n) => `<Relationship Id="rId${n + 1}" Type="${office}/${type}" Target="${target}"/>`,
      )
      .join('')}</Relationships>`,
  );

const book = Buffer.from(
  `<workbook ${main} xmlns:r="${office}"><sheets><sheet name="Customers" sheetId="1" r:id="rId1"/></sheets></workbook>`,
);

const letters = namesOfColumns.map((_, n) => String.fromCharCode(65 + n));
const isNumber = /^\d+(\.\d+)?$/;

function* inPieces(parts: Iterable<string>): Generator<string> {
  let piece = '';
  for (const part of parts) {
    piece += part;
    if (piece.length < 2 ** 18) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

function* sheet(count: number, numberOf: (text: string) => number): Generator<string> {
  yield `<worksheet ${main}><sheetData>`;
  let line = 0;
  const rowOf = (cells: readonly string[]): string => {
    line++;
    const written = cells.map((cell, n) => {
      const at = `r="${letters[n]}${line}"`;
      return isNumber.test(cell)
        ? `<c ${at}><v>${cell}</v></c>`
        : `<c ${at} t="s"><v>${numberOf(cell)}</v></c>`;
    });
    return `<row r="${line}">${written.join('')}</row>`;
  };
  yield rowOf(namesOfColumns);
  for (const cells of customers(count)) yield rowOf(cells);
  yield '</sheetData></worksheet>';
}

function* strings(texts: Iterable<string>): Generator<string> {
  yield `<sst ${main}>`;
  for (const text of texts) yield `<si><t xml:space="preserve">${text.replaceAll('&', '&amp;')}</t></si>`;
  yield '</sst>';
}

export const writeCustomersWorkbook = async (to: string, count: number): Promise<void> => {
  const numbers = new Map<string, number>();
  const numberOf = (text: string): number => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  };
  const zip = new ZipFile();
  zip.addBuffer(relations(['officeDocument', 'xl/workbook.xml']), '_rels/.rels');
  zip.addBuffer(book, 'xl/workbook.xml');
  zip.addBuffer(
    relations(['worksheet', 'worksheets/sheet1.xml'], ['sharedStrings', 'sharedStrings.xml']),
    'xl/_rels/workbook.xml.rels',
  );
  const add = (name: string, parts: () => Iterable<string>): void =>
    zip.addReadStreamLazy(name, { compressionLevel: 1 }, (done) =>
      done(null, Readable.from(inPieces(parts()))),
    );
  add('xl/worksheets/sheet1.xml', () => sheet(count, numberOf));
  // After the sheet, which finds them.
  add('xl/sharedStrings.xml', () => strings(numbers.keys()));
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(to));
};
