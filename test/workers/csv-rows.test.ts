import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { createCsvRows } from '../../src/workers/sources/csv-rows.ts';

/** All rows, with the text cut into pieces of that length. */
const read = (text: string, delimiter: string, pieceChars: number, columns: number) => {
  const rows = createCsvRows(delimiter);
  const found: { line: number; cells: readonly string[] }[] = [];
  let taken = false;
  const keep = (piece: string, last: boolean): void => {
    found.push(...rows.read(piece, last));
    if (taken || found.length === 0) return;
    taken = true;
    rows.take(Array.from({ length: columns }, () => true));
    found.push(...rows.read('', last));
  };
  for (let at = 0; at < text.length; at += pieceChars) keep(text.slice(at, at + pieceChars), false);
  keep('', true);
  return found;
};

const written = (
  rows: readonly (readonly string[])[],
  delimiter: string,
  lineEnd: string,
  quoteAll: boolean,
) =>
  rows
    .map((cells) =>
      cells
        .map((cell) =>
          quoteAll || /[",;\t\r\n]/.test(cell) || cell === '' ? `"${cell.replaceAll('"', '""')}"` : cell,
        )
        .join(delimiter),
    )
    .join(lineEnd);

const cell = fc.oneof(
  fc.constantFrom('', 'a', ' ', '"', '""', 'x"y', 'a\nb', 'a\r\nb', '\r', ',', ';', '\t', 'é', '𝄞'),
  fc.string({ maxLength: 5 }),
);

test('rows are read as csv-parse reads them, wherever pieces end', () => {
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 4 })
        .chain((n) =>
          fc.array(fc.array(cell, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 6 }),
        ),
      fc.constantFrom(',', ';', '\t'),
      fc.constantFrom('\n', '\r\n'),
      fc.boolean(),
      fc.integer({ min: 1, max: 9 }),
      (rows, delimiter, lineEnd, quoteAll, pieceChars) => {
        const text = written(rows, delimiter, lineEnd, quoteAll);
        const wanted = parse(text, { delimiter, record_delimiter: lineEnd, skip_empty_lines: true });
        const got = read(text, delimiter, pieceChars, rows[0]?.length ?? 0);
        expect(got.map(({ cells }) => cells)).toEqual(wanted);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('lines are counted as an editor counts them, through blank lines and breaks in cells', () => {
  const text = 'a,b\r\n\r\n1,"x\ny\r\nz"\r\n2,"q"\n\n\n3,4';
  for (const pieceChars of [1, 2, 3, 100]) {
    expect(read(text, ',', pieceChars, 2).map(({ line }) => line)).toEqual([1, 3, 6, 9]);
  }
});

test('rows may end with CR alone', () => {
  expect(read('a,b\r1,2\r3,4\r', ',', 3, 2).map(({ cells }) => cells.join())).toEqual(['a,b', '1,2', '3,4']);
});

test('of columns that nobody takes no cell is made', () => {
  const rows = createCsvRows(',');
  rows.read('a,b,c\n1,2,3\n4,"5",6\n', true);
  rows.take([false, true, false]);
  expect(rows.read('', true).map(({ cells }) => cells)).toEqual([['2'], ['5']]);
});
