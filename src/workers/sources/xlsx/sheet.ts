/** Rows of a sheet (ECMA-376 part 1, 18.3), each cell as the text that a CSV of it would hold. */

import { rowTooLarge } from '../faults.ts';
import { CellFault } from '../fields.ts';
import { rowCharsMax } from '../source.ts';
import { broken, cellTooLong } from './faults.ts';
import { dateText } from './formats.ts';
import type { Workbook } from './workbook.ts';
import { type Attributes, cellCharsMax, readXml } from './xml.ts';

export type Cell = string | CellFault;

export interface SheetRow {
  /** As the program that shows it counts, from 1. */
  readonly line: number;
  /** By column, from 0; what is blank is not there. */
  readonly cells: readonly (Cell | undefined)[];
}

const columnsMax = 16_384;

/** `BC17` → 54; -1 where it names no column. */
const columnOf = (reference: string): number => {
  let column = 0;
  for (let n = 0; n < reference.length; n++) {
    const letter = reference.charCodeAt(n) - 64;
    if (letter < 1 || letter > 26) break;
    column = column * 26 + letter;
  }
  return column - 1;
};

/** As many as a spreadsheet program has. */
const linesMax = 1_048_576;

const lineOf = ({ r }: Attributes, before: number): number => {
  const line = r === undefined ? before + 1 : /^\d{1,7}$/.test(r) ? Number(r) : 0;
  if (line < 1 || line > linesMax) throw broken();
  return line;
};

const noResult = new CellFault('holds a formula without its result; open the workbook and save it again');

/** Control characters are written like `_x000D_`. */
const unescaped = (text: string): string =>
  text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : text;

/** Fifteen digits are what is shown; what is kept of 1.1 is 1.1000000000000001. */
const numberText = (value: string): string => {
  const number = Number(value);
  return Number.isFinite(number) && value !== '' ? String(Number(number.toPrecision(15))) : value;
};

interface CellBegun {
  readonly column: number;
  readonly type: string;
  readonly style: number;
  text: string;
  isFormula: boolean;
}

const contentOf = (cell: CellBegun, { strings, isDate, since1904 }: Workbook): Cell => {
  const { type, text, style } = cell;
  if (text === '') return cell.isFormula && type !== 'str' ? noResult : '';
  if (type === 's') return unescaped(strings.get(Number(text)));
  if (type === 'inlineStr' || type === 'str') return unescaped(text);
  if (type === 'b') return text === '1' ? 'true' : 'false';
  if (type === 'e') return new CellFault(`holds the error ${text.slice(0, 20)} in place of a value`);
  if (type === 'd') return text;
  if (isDate[style] !== true) return numberText(text);
  return dateText(Number(text), since1904) ?? numberText(text);
};

/** Texts stand in `v`, or with `inlineStr` in `t`; how they are pronounced (`rPh`) is no part of them. */
export async function* sheetRows(
  pieces: AsyncIterable<string>,
  workbook: Workbook,
): AsyncGenerator<readonly SheetRow[]> {
  let rows: SheetRow[] = [];
  let line = 0;
  let cells: (Cell | undefined)[] = [];
  let chars = 0;
  let column = -1;
  let cell: CellBegun | undefined;
  let inText = false;
  let inPhonetic = false;
  let ended = false;

  const beginCell = ({ r, t = 'n', s = '0' }: Attributes): void => {
    column = r === undefined ? column + 1 : columnOf(r);
    if (column < 0 || column >= columnsMax) throw broken();
    cell = { column, type: t, style: Number(s), text: '', isFormula: false };
  };
  const endCell = (): void => {
    if (cell === undefined) return;
    const value = contentOf(cell, workbook);
    if (value !== '') cells[cell.column] = value;
    chars += typeof value === 'string' ? value.length : 0;
    if (chars > rowCharsMax) throw rowTooLarge(line);
    cell = undefined;
  };
  const endRow = (): void => {
    if (cells.length > 0) rows.push({ line, cells });
    cells = [];
    chars = 0;
    column = -1;
  };
  const handler = {
    open(name: string, attributes: Attributes) {
      if (name === 'c') beginCell(attributes);
      else if (name === 'v') inText = cell !== undefined;
      else if (name === 'row') line = lineOf(attributes, line);
      else if (name === 't') inText = cell?.type === 'inlineStr' && !inPhonetic;
      else if (name === 'f' && cell !== undefined) cell.isFormula = true;
      else if (name === 'rPh') inPhonetic = true;
    },
    close(name: string) {
      if (name === 'v' || name === 't') inText = false;
      else if (name === 'c') endCell();
      else if (name === 'row') endRow();
      else if (name === 'rPh') inPhonetic = false;
      else if (name === 'sheetData') ended = true;
    },
    text(part: string) {
      if (!inText || cell === undefined) return;
      cell.text += part;
      if (cell.text.length > cellCharsMax) throw cellTooLong(cellCharsMax);
    },
  };
  for await (const _ of readXml(pieces, handler)) {
    if (rows.length > 0) yield rows;
    rows = [];
    if (ended) return;
  }
  if (!ended) throw broken();
}
