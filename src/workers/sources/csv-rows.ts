/**
 * Rows of CSV (RFC 4180; line ends are CRLF, LF or CR, blank lines are nothing). It makes a text of each
 * cell that somebody takes and of no other, which is why it is here: with csv-parse, which makes all of them
 * and an object of facts a row, reading was two fifths of accepting the telco file's 21 columns (14 of 36 µs a
 * row), and a million rows grew the process by 210 MB. `test/workers/csv-rows.test.ts` holds it to csv-parse's
 * reading of the same text.
 */
import { malformedLine, rowTooLarge } from './faults.ts';
import { rowCharsMax } from './source.ts';

export interface CsvRow {
  /** At which it begins, from 1. */
  readonly line: number;
  /** Those of the columns that were asked for, in the order of the columns. */
  readonly cells: readonly string[];
}

export interface CsvRows {
  /** Rows that are whole in what has been given so far. `last`: nothing comes after this. */
  read(piece: string, last: boolean): readonly CsvRow[];
  /**
   * Of each column whether it is taken, from the next row on; every row must have as many. Until this is said
   * only the first row is read, all of it.
   */
  take(columns: readonly boolean[]): void;
}

const [lf, cr, quote] = [0x0a, 0x0d, 0x22];

export const createCsvRows = (delimiter: string): CsvRows => {
  const comma = delimiter.charCodeAt(0);
  let taken: readonly boolean[] | undefined;
  let text = '';
  let at = 0;
  let line = 1;
  /** Of the row being read. */
  let rowLine = 1;
  let ended = false;

  /** The end of a quoted cell that begins at `from`, behind its closing quote; -1: it is not there yet. */
  const endOfQuoted = (from: number): number => {
    for (let end = text.indexOf('"', from + 1); end >= 0; end = text.indexOf('"', end + 2)) {
      if (end + 1 === text.length && !ended) return -1;
      if (text.charCodeAt(end + 1) !== quote) return end + 1;
    }
    return -1;
  };

  const quoted = (from: number, end: number): string => {
    const inner = text.slice(from + 1, end - 1);
    return inner.includes('""') ? inner.replaceAll('""', '"') : inner;
  };

  const linesIn = (from: number, end: number): number => {
    let count = 0;
    for (let n = from; n < end; n++) {
      const unit = text.charCodeAt(n);
      if (unit === lf || (unit === cr && text.charCodeAt(n + 1) !== lf)) count++;
    }
    return count;
  };

  const fail = (message: string) => malformedLine(rowLine, message);

  /** The cells of the row that begins at `at`, with `at` moved behind it; undefined where it is not whole yet. */
  const row = (): string[] | undefined => {
    const cells: string[] = [];
    let column = 0;
    let from = at;
    let innerLines = 0;
    for (;;) {
      let end: number;
      const wanted = taken === undefined || taken[column] === true;
      if (text.charCodeAt(from) === quote) {
        end = endOfQuoted(from);
        if (end < 0) {
          if (ended) throw fail('A quote is opened and never closed.');
          return undefined;
        }
        if (wanted) cells.push(quoted(from, end));
        innerLines += linesIn(from, end);
      } else {
        end = from;
        let unit = text.charCodeAt(end);
        while (end < text.length && unit !== comma && unit !== lf && unit !== cr) {
          if (unit === quote)
            throw fail(
              'A quote stands inside an unquoted cell; put the whole cell in quotes and write the quote twice.',
            );
          unit = text.charCodeAt(++end);
        }
        if (wanted && (end < text.length || ended)) cells.push(text.slice(from, end));
      }
      column++;
      const unit = text.charCodeAt(end);
      if (unit === comma) {
        from = end + 1;
        continue;
      }
      if (end === text.length && !ended) return undefined;
      if (end < text.length && unit !== lf && unit !== cr)
        throw fail('After a closing quote comes the next column; a quote inside quotes is written twice.');
      // A CR that ends the piece may be half of a CRLF.
      if (unit === cr && end + 1 === text.length && !ended) return undefined;
      if (taken !== undefined && column !== taken.length) throw fail(ragged(column, taken.length));
      if (end - at > rowCharsMax) throw rowTooLarge(rowLine);
      at = end + (unit === cr && text.charCodeAt(end + 1) === lf ? 2 : 1);
      line += innerLines + 1;
      return cells;
    }
  };

  const skipBlank = (): void => {
    for (;;) {
      const unit = text.charCodeAt(at);
      if (unit === cr) {
        if (at + 1 === text.length && !ended) return;
        at += text.charCodeAt(at + 1) === lf ? 2 : 1;
      } else if (unit === lf) at++;
      else return;
      line++;
    }
  };

  return {
    read(piece, last) {
      text = at === text.length ? piece : text.slice(at) + piece;
      at = 0;
      ended = last;
      const rows: CsvRow[] = [];
      for (;;) {
        skipBlank();
        if (at >= text.length) break;
        rowLine = line;
        const cells = row();
        if (cells === undefined) {
          if (text.length - at > rowCharsMax) throw rowTooLarge(rowLine);
          break;
        }
        rows.push({ line: rowLine, cells });
        if (taken === undefined) break;
      }
      return rows;
    },
    take(columns) {
      taken = columns;
    },
  };
};

const ragged = (there: number, wanted: number): string =>
  `It has ${there} columns where the first row has ${wanted}; quote cells that hold a separator or a line break.`;
