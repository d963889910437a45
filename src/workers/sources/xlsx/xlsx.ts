/**
 * A workbook (.xlsx) as a table: the first row of a sheet that is not blank names the columns. It is kept in a
 * file while it is read and taken row by row, so that its size is no matter; numbers, dates, truth values and
 * results of formulas become the text that a CSV would hold, and then whatever the command's field asks for.
 */
import { malformedLine } from '../faults.ts';
import { CellFault } from '../fields.ts';
import { type Bindings, bind, createRowReader, type Wanted } from '../header.ts';
import { batchItems, type SourceItem, type UploadSource } from '../source.ts';
import { openArchive } from './archive.ts';
import { type Cell, type SheetRow, sheetRows } from './sheet.ts';
import { openUnnamed, spool } from './spool.ts';
import { readWorkbook } from './workbook.ts';

const sheetBytesMax = 4 * 2 ** 30;

export const xlsxSource = (
  content: AsyncIterable<Uint8Array>,
  wanted: Wanted,
  sheetName: string | undefined,
): UploadSource => {
  let name = sheetName;
  const items = async function* () {
    const file = await openUnnamed();
    const stringsFile = await openUnnamed();
    try {
      const archive = await openArchive(file, await spool(content, file));
      const workbook = await readWorkbook(archive, sheetName, stringsFile);
      name = workbook.sheet.name;
      yield* itemsOf(sheetRows(archive.text(workbook.sheet.part, sheetBytesMax), workbook), wanted);
    } finally {
      await Promise.all([file.close(), stringsFile.close()]);
    }
  };
  return { items: items(), readAs: () => (name === undefined ? {} : { sheet: name }) };
};

async function* itemsOf(
  rows: AsyncIterable<readonly SheetRow[]>,
  wanted: Wanted,
): AsyncGenerator<readonly SourceItem[]> {
  let table: Table | undefined;
  let batch: SourceItem[] = [];
  for await (const some of rows) {
    for (const row of some) {
      if (table === undefined) table = tableOf(row, wanted);
      else batch.push(table(row));
      if (batch.length < batchItems) continue;
      yield batch;
      batch = [];
    }
  }
  if (table === undefined) throw malformedLine(1, 'The sheet is empty; its first row names the columns.');
  if (batch.length > 0) yield batch;
}

type Table = (row: SheetRow) => SourceItem;

const tableOf = ({ line, cells }: SheetRow, wanted: Wanted): Table => {
  const header = Array.from(cells, (cell) => nameOf(cell, line));
  const bindings: Bindings = bind(header, wanted);
  const itemOf = createRowReader(
    bindings,
    bindings.map(({ column }) => column),
    'point',
  );
  return (row) => {
    if (wanted.map === undefined && row.cells.length > header.length)
      throw malformedLine(row.line, 'It has a value behind the last column that the first row names.');
    return itemOf(row.line, row.cells);
  };
};

const nameOf = (cell: Cell | undefined, line: number): string => {
  if (cell instanceof CellFault) throw malformedLine(line, `A column's name ${cell.message}.`);
  return cell ?? '';
};
