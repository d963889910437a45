/** The parts of a workbook that are alike for every table (ECMA-376 part 1). */
import type { Field } from '../parts.ts';

const declaration = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const packageRelations = 'http://schemas.openxmlformats.org/package/2006/relationships';
const sheetNameMax = 28;

/** A, B … Z, AA … */
export const columnName = (index: number): string => {
  const letter = String.fromCharCode(65 + (index % 26));
  return index < 26 ? letter : columnName(Math.floor(index / 26) - 1) + letter;
};

/** The header stays in view and is bold; names of fields need no escaping, being names of our own. */
export const head = (fields: readonly Field[], columns: readonly string[]): string => {
  const cells = fields.map(
    ({ name }, n) => `<c r="${columns[n]}1" s="1" t="inlineStr"><is><t>${name}</t></is></c>`,
  );
  return `${declaration}<worksheet xmlns="${main}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData><row r="1">${cells.join('')}</row>`;
};

export const sheetTail = '</sheetData></worksheet>';

const numbersOf = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n + 1);

export const workbookPart = (title: string, sheets: number): string => {
  const name = title.slice(0, sheetNameMax);
  const listed = numbersOf(sheets).map(
    (n) => `<sheet name="${n === 1 ? name : `${name} ${n}`}" sheetId="${n}" r:id="rId${n}"/>`,
  );
  return `${declaration}<workbook xmlns="${main}" xmlns:r="${relations}"><sheets>${listed.join('')}</sheets></workbook>`;
};

export const workbookRels = (sheets: number): string => {
  const listed = numbersOf(sheets).map(
    (n) => `<Relationship Id="rId${n}" Type="${relations}/worksheet" Target="worksheets/sheet${n}.xml"/>`,
  );
  return `${declaration}<Relationships xmlns="${packageRelations}">${listed.join('')}<Relationship Id="rId${sheets + 1}" Type="${relations}/styles" Target="styles.xml"/></Relationships>`;
};

export const rels = `${declaration}<Relationships xmlns="${packageRelations}"><Relationship Id="rId1" Type="${relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>`;

/** 0 plain, 1 bold, 2 a date in the form of the reader's country. */
export const styles = `${declaration}<styleSheet xmlns="${main}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font><font><b/><sz val="11"/><name val="Calibri"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>`;

const typed = (part: string, type: string): string =>
  `<Override PartName="/${part}" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.${type}+xml"/>`;

export const contentTypes = (sheets: number): string => {
  const listed = numbersOf(sheets).map((n) => typed(`xl/worksheets/sheet${n}.xml`, 'worksheet'));
  return `${declaration}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${typed('xl/workbook.xml', 'sheet.main')}${listed.join('')}${typed('xl/styles.xml', 'styles')}</Types>`;
};
