/**
 * The first rows of a workbook's sheet, to map its columns by. It is read leniently and only as far as it is
 * shown; dates stand there as the numbers that they are. The server reads the workbook, strictly.
 */
import { type Part, partsOf, readPart } from './zip-parts.ts';

export interface WorkbookHead {
  readonly sheet: string;
  readonly sheets: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const partCharsMax = 4 * 2 ** 20;

const never = (): boolean => false;

const named = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" } as const;

const plain = (xml: string): string =>
  xml.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(lt|gt|amp|quot|apos));/gi,
    (_, hex?: string, code?: string, name?: string) =>
      name !== undefined
        ? named[name as keyof typeof named]
        : String.fromCodePoint(hex === undefined ? Number(code) : Number.parseInt(hex, 16)),
  );

/** Elements of that name whatever their prefix: attributes and what is inside. */
const elements = (xml: string, name: string): { attributes: string; inside: string }[] =>
  [
    ...xml.matchAll(
      new RegExp(`<(?:\\w+:)?${name}(\\s[^>]*?)?(?:/>|>([\\s\\S]*?)</(?:\\w+:)?${name}>)`, 'g'),
    ),
  ].map(([, attributes = '', inside = '']) => ({ attributes, inside }));

const attribute = (attributes: string, name: string): string =>
  plain(new RegExp(`\\s(?:\\w+:)?${name}="([^"]*)"`).exec(attributes)?.[1] ?? '');

const textIn = (xml: string): string =>
  elements(xml.replace(/<(?:\w+:)?rPh\b[\s\S]*?<\/(?:\w+:)?rPh>/g, ''), 't')
    .map(({ inside }) => plain(inside))
    .join('');

/** `BC17` → 54. */
const columnOf = (reference: string): number =>
  [...reference.replace(/\d+$/, '')].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;

/** @throws Error with a sentence for people. */
export const readWorkbookHead = async (
  file: File,
  wanted: string | undefined,
  rowsMax: number,
): Promise<WorkbookHead> => {
  const parts = new Map((await partsOf(file)).map((part) => [part.name, part]));
  const text = async (name: string, enough: (text: string) => boolean = never): Promise<string> => {
    const part: Part | undefined = parts.get(name);
    return part === undefined ? '' : readPart(file, part, partCharsMax, enough);
  };
  const [book, relations] = await Promise.all([text('xl/workbook.xml'), text('xl/_rels/workbook.xml.rels')]);
  const all = elements(book, 'sheet').map(({ attributes }) => ({
    name: attribute(attributes, 'name'),
    id: attribute(attributes, 'id'),
    shown: attribute(attributes, 'state') === '',
  }));
  const chosen = all.find(({ name, shown }) => (wanted === undefined ? shown : name === wanted)) ?? all[0];
  if (chosen === undefined) throw new Error('The file is no workbook with sheets.');
  const target = elements(relations, 'Relationship').find(
    ({ attributes }) => attribute(attributes, 'Id') === chosen.id,
  );
  const path = attribute(target?.attributes ?? '', 'Target').replace(/^\/xl\//, '');
  const rowEnds = (xml: string): boolean => (xml.match(/<\/(?:\w+:)?row>/g)?.length ?? 0) >= rowsMax + 1;
  const rows = elements(await text(`xl/${path}`, rowEnds), 'row')
    .map(({ inside }) => elements(inside, 'c'))
    .filter((cells) => cells.some(({ inside }) => inside !== ''))
    .slice(0, rowsMax);
  const strings = await sharedStrings(rows.flat(), text);
  return {
    sheet: chosen.name,
    sheets: all.map(({ name }) => name),
    rows: rows.map((row) => cellsOf(row, strings)),
  };
};

type Elements = readonly { readonly attributes: string; readonly inside: string }[];

const valueIn = (inside: string): string => plain(elements(inside, 'v')[0]?.inside ?? '');

const isShared = (attributes: string): boolean => attribute(attributes, 't') === 's';

const sharedStrings = async (
  cells: Elements,
  text: (name: string, enough: (text: string) => boolean) => Promise<string>,
): Promise<readonly string[]> => {
  const numbers = cells
    .filter(({ attributes }) => isShared(attributes))
    .map(({ inside }) => Number(valueIn(inside)));
  if (numbers.length === 0) return [];
  const last = Math.max(...numbers);
  const there = (xml: string): boolean => (xml.match(/<\/(?:\w+:)?si>/g)?.length ?? 0) > last;
  return elements(await text('xl/sharedStrings.xml', there), 'si').map(({ inside }) => textIn(inside));
};

const cellsOf = (cells: Elements, strings: readonly string[]): readonly string[] => {
  const row: string[] = [];
  for (const { attributes, inside } of cells) {
    const reference = attribute(attributes, 'r');
    const value = valueIn(inside);
    const at = reference === '' ? row.length : columnOf(reference);
    row[at] = isShared(attributes) ? (strings[Number(value)] ?? '') : value || textIn(inside);
  }
  return Array.from(row, (value) => value ?? '');
};
