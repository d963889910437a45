/** What a workbook says of itself: its sheets and where they are, its styles, its texts, its calendar. */
import type { FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { invalidInput } from '../../../errors.ts';
import type { Archive } from './archive.ts';
import { broken, unreadable } from './faults.ts';
import { isDateFormat } from './formats.ts';

import { noSharedStrings, readSharedStrings, type SharedStrings } from './texts.ts';

import { type Attributes, readAllXml } from './xml.ts';

const mebibyte = 2 ** 20;
const smallPartMax = 16 * mebibyte;
const stringsMax = 512 * mebibyte;

export interface Sheet {
  readonly name: string;
  /** In the archive. */
  readonly part: string;
}

export interface Workbook {
  readonly sheet: Sheet;
  readonly strings: SharedStrings;
  readonly since1904: boolean;
  /** Whether the style of that number shows a date. */
  readonly isDate: readonly boolean[];
}

interface Relation {
  readonly type: string;
  readonly target: string;
}

/** By id. Targets are relative to the folder of the part whose they are. */
const relationsOf = async (archive: Archive, part: string): Promise<ReadonlyMap<string, Relation>> => {
  const folder = path.posix.dirname(part);
  const found = new Map<string, Relation>();
  const file = path.posix.join(folder, '_rels', `${path.posix.basename(part)}.rels`);
  await readAllXml(archive.text(file, smallPartMax), {
    open(name, { Id = '', Type = '', Target = '' }) {
      if (name !== 'Relationship') return;
      const target = Target.startsWith('/') ? Target.slice(1) : path.posix.join(folder, Target);
      found.set(Id, { type: Type.slice(Type.lastIndexOf('/') + 1), target });
    },
  });
  return found;
};

const partOf = (relations: ReadonlyMap<string, Relation>, type: string): string | undefined =>
  [...relations.values()].find((relation) => relation.type === type)?.target;

interface Listed {
  readonly name: string;
  readonly relation: string;
  readonly hidden: boolean;
}

const listed = (attributes: Attributes): Listed => ({
  name: attributes.name ?? '',
  relation: Object.entries(attributes).find(([name]) => /(^|:)id$/.test(name))?.[1] ?? '',
  hidden: (attributes.state ?? 'visible') !== 'visible',
});

/** @param wanted Name of the sheet; undefined: the first one that is shown. */
export const readWorkbook = async (
  archive: Archive,
  wanted: string | undefined,
  stringsFile: FileHandle,
): Promise<Workbook> => {
  const main = archive.has('_rels/.rels')
    ? partOf(await relationsOf(archive, ''), 'officeDocument')
    : undefined;
  if (main === undefined) throw unreadable('It is a zip file but no workbook.');
  const sheets: Listed[] = [];
  let since1904 = false;
  await readAllXml(archive.text(main, smallPartMax), {
    open(name, attributes) {
      if (name === 'sheet') sheets.push(listed(attributes));
      if (name === 'workbookPr') since1904 = /^(1|true)$/.test(attributes.date1904 ?? '');
    },
  });
  const relations = await relationsOf(archive, main);
  const tables = sheets.filter(({ relation }) => relations.get(relation)?.type === 'worksheet');
  const { name, relation } = chosen(tables, wanted);
  const styles = partOf(relations, 'styles');
  const strings = partOf(relations, 'sharedStrings');
  return {
    sheet: { name, part: relations.get(relation)?.target ?? '' },
    since1904,
    isDate: styles === undefined ? [] : await readStyles(archive.text(styles, smallPartMax)),
    strings:
      strings === undefined
        ? noSharedStrings
        : await readSharedStrings(archive.text(strings, stringsMax), stringsFile),
  };
};

const namesSaid = 20;

const chosen = (sheets: readonly Listed[], wanted: string | undefined): Listed => {
  const sheet =
    wanted === undefined
      ? (sheets.find(({ hidden }) => !hidden) ?? sheets[0])
      : sheets.find(({ name }) => name === wanted);
  if (sheet !== undefined) return sheet;
  if (wanted === undefined) throw broken();
  const names = sheets.slice(0, namesSaid).map(({ name }) => `"${name}"`);
  throw invalidInput('sheet', `There is no sheet of that name; there are ${names.join(', ')}.`);
};

const readStyles = async (pieces: AsyncIterable<string>): Promise<readonly boolean[]> => {
  const codes = new Map<number, string>();
  const isDate: boolean[] = [];
  let inCells = false;
  await readAllXml(pieces, {
    open(name, { numFmtId = '0', formatCode = '' }) {
      if (name === 'numFmt') codes.set(Number(numFmtId), formatCode);
      else if (name === 'cellXfs') inCells = true;
      else if (name === 'xf' && inCells)
        isDate.push(isDateFormat(Number(numFmtId), codes.get(Number(numFmtId))));
    },
    close(name) {
      if (name === 'cellXfs') inCells = false;
    },
  });
  return isDate;
};
