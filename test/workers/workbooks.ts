/** Workbooks for tests, written part by part, so that each oddity of other programs can be had on its own. */
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';

export interface WorkbookParts {
  /** XML of the rows of each sheet, by its name. */
  readonly sheets: Readonly<Record<string, string>>;
  /** Each the XML inside an `si`. */
  readonly strings?: readonly string[];
  /** Attributes of a `numFmt` by the style's number, from 0; undefined: no date. */
  readonly formats?: readonly { readonly id: number; readonly code?: string }[];
  readonly since1904?: boolean;
  readonly hidden?: readonly string[];
  /** Parts in place of those that would be written, or beside them. */
  readonly more?: Readonly<Record<string, string>>;
}

const xml = (body: string): string => `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${body}`;
const main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"';
const office = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const relations = (list: readonly (readonly [string, string, string])[]): string =>
  xml(
    `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${list
      .map(([id, type, target]) => `<Relationship Id="${id}" Type="${office}/${type}" Target="${target}"/>`)
      .join('')}</Relationships>`,
  );

const stylesOf = (formats: WorkbookParts['formats'] = []): string => {
  const own = formats.filter(({ code }) => code !== undefined);
  const numFmts = own.map(({ id, code }) => `<numFmt numFmtId="${id}" formatCode="${code}"/>`).join('');
  const xfs = formats.map(({ id }) => `<xf numFmtId="${id}"/>`).join('');
  return xml(
    `<styleSheet ${main}><numFmts>${numFmts}</numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs>${xfs}</cellXfs></styleSheet>`,
  );
};

const partsOf = ({ sheets, strings = [], formats, since1904, hidden = [], more = {} }: WorkbookParts) => {
  const names = Object.keys(sheets);
  const listed = names
    .map((name, n) => {
      const state = hidden.includes(name) ? ' state="hidden"' : '';
      return `<sheet name="${name}" sheetId="${n + 1}" r:id="rId${n + 1}"${state}/>`;
    })
    .join('');
  return {
    '_rels/.rels': relations([['rId1', 'officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': xml(
      `<workbook ${main} xmlns:r="${office}"><workbookPr${since1904 === true ? ' date1904="1"' : ''}/><sheets>${listed}</sheets></workbook>`,
    ),
    'xl/_rels/workbook.xml.rels': relations([
      ...names.map((_, n) => [`rId${n + 1}`, 'worksheet', `worksheets/sheet${n + 1}.xml`] as const),
      ['rIdStyles', 'styles', 'styles.xml'],
      ['rIdStrings', 'sharedStrings', '/xl/sharedStrings.xml'],
    ]),
    'xl/styles.xml': stylesOf(formats),
    'xl/sharedStrings.xml': xml(`<sst ${main}>${strings.map((si) => `<si>${si}</si>`).join('')}</sst>`),
    ...Object.fromEntries(
      names.map((name, n) => [
        `xl/worksheets/sheet${n + 1}.xml`,
        xml(`<worksheet ${main}><sheetData>${sheets[name]}</sheetData></worksheet>`),
      ]),
    ),
    ...more,
  };
};

export const workbook = (parts: WorkbookParts): Promise<Buffer> => {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(partsOf(parts))) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return buffer(zip.outputStream);
};

export const inline = (text: string): string => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
export const number = (value: string, style = 0): string => `<c s="${style}"><v>${value}</v></c>`;
export const row = (...cells: readonly string[]): string => `<row>${cells.join('')}</row>`;
