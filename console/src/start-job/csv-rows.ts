/** The first rows of a CSV (RFC 4180): quotes, doubled quotes, line breaks within quotes, CRLF. */
export const csvRows = (text: string, rowsMax: number, delimiter = ','): string[][] => {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const { value, ends } of cells(text, delimiter)) {
    row.push(value);
    if (!ends) continue;
    if (row.length > 1 || value !== '') rows.push(row);
    if (rows.length === rowsMax) return rows;
    row = [];
  }
  return rows;
};

/** One cell: quoted or bare, then a delimiter, a line's end, or the end of the text. */
const cellOf = (delimiter: string): RegExp =>
  new RegExp(`(?:"((?:[^"]|"")*)"|([^${delimiter}\\r\\n]*))(${delimiter}|\\r?\\n|\\r|$)`, 'y');

function* cells(text: string, delimiter: string): Generator<{ value: string; ends: boolean }> {
  const cell = cellOf(delimiter);
  while (cell.lastIndex < text.length) {
    const found = cell.exec(text);
    if (found === null) return;
    yield { value: found[1]?.replaceAll('""', '"') ?? found[2] ?? '', ends: found[3] !== delimiter };
  }
}
