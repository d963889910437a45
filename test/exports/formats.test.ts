/** The files of exports byte by byte: CSV, workbooks as another reader has them, and what ends when a reader leaves. */
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { csvHeader, csvRow } from '../../src/workers/exports/formats/csv.ts';
import { formatted } from '../../src/workers/exports/formats/format.ts';
import type { ExportedRow, Field } from '../../src/workers/exports/parts.ts';
import { openArchive } from '../../src/workers/sources/xlsx/archive.ts';

const field = (name: string, kind: string): Field => ({ name, kind, text: kind === 'text' });
const fields = [
  field('id', 'text'),
  field('amount', 'money'),
  field('count', 'integer'),
  field('on', 'date'),
  field('is', 'boolean'),
  field('flags', 'json'),
];

async function* pagesOf(...pages: readonly (readonly ExportedRow[])[]) {
  yield* pages;
}

const bytesOf = async (content: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
};

const workbookOf = (...pages: readonly (readonly ExportedRow[])[]) =>
  formatted(fields, pagesOf(...pages), { format: 'xlsx', escaping: 'people', title: 'accounts' });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-formats-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A part of the workbook, unfolded and with its check sum held against it. */
const partOf = async (bytes: Buffer, part: string): Promise<string> => {
  const name = path.join(folder, 'workbook.xlsx');
  await writeFile(name, bytes);
  const file = await open(name);
  try {
    const archive = await openArchive(file, bytes.length);
    let text = '';
    for await (const piece of archive.text(part, 1e9)) text += piece;
    return text;
  } finally {
    await file.close();
  }
};

describe('CSV', () => {
  const columns = [
    { name: 'a', text: true },
    { name: 'b', text: false },
  ];
  test.each([
    ['=1', "'=1,-5"],
    ['+1', "'+1,-5"],
    ['-1', "'-1,-5"],
    ['@x', "'@x,-5"],
    ['\tx', "'\tx,-5"],
    ['\rx', '"\'\rx",-5'],
    ['x=1', 'x=1,-5'],
    ['', ',-5'],
  ])('for people, %j is %j; amounts stay as they are', (a, expected) => {
    expect(csvRow(columns)({ a, b: '-5' })).toBe(`${expected}\r\n`);
  });

  test('raw, every text is as it is, quoted where it must be', () => {
    expect(csvRow(columns, true)({ a: '=1', b: null })).toBe('=1,\r\n');
    expect(csvRow(columns, true)({ a: 'a "b"\n', b: { x: 1 } })).toBe('"a ""b""\n","{""x"":1}"\r\n');
    expect(csvHeader(columns)).toBe('a,b\r\n');
  });
});

describe('A workbook', () => {
  test('keeps numbers, dates, text and what XML cannot hold', async () => {
    const bytes = await bytesOf(
      workbookOf([
        {
          id: '=A1 <&> "\u0001" _x0041_',
          amount: '29.85',
          count: -7,
          on: '2026-03-31',
          is: true,
          flags: { a: 1 },
        },
        { id: '  spaces\r\n', amount: '1234567890123456.78', count: null, on: '1899-01-01', is: false },
      ]),
    );
    const sheet = await partOf(bytes, 'xl/worksheets/sheet1.xml');
    expect(sheet).toContain(
      '<c r="A2" t="inlineStr"><is><t xml:space="preserve">=A1 &lt;&amp;&gt; "_x0001_" _x005F_x0041_</t></is></c>',
    );
    expect(sheet).toContain(
      '<c r="B2"><v>29.85</v></c><c r="C2"><v>-7</v></c><c r="D2" s="2"><v>46112</v></c>',
    );
    expect(sheet).toContain('<c r="E2" t="b"><v>1</v></c>');
    expect(sheet).toContain('{"a":1}');
    // More digits than Excel keeps, and a day before its days begin, are text.
    expect(sheet).toContain('<t xml:space="preserve">1234567890123456.78</t>');
    expect(sheet).toContain('<t xml:space="preserve">1899-01-01</t>');
    expect(sheet).toContain('  spaces_x000D_\n');
    expect(sheet).not.toContain('r="C3"');
    expect(await partOf(bytes, 'xl/workbook.xml')).toContain('<sheet name="accounts" sheetId="1"');
  });

  test('has a header and nothing more where there are no rows', async () => {
    const sheet = await partOf(await bytesOf(workbookOf([])), 'xl/worksheets/sheet1.xml');
    expect(sheet.match(/<row /g)).toHaveLength(1);
  });

  test('goes on in another sheet behind the last row that one holds', async () => {
    const count = 1_048_575 + 3;
    async function* many() {
      for (let at = 0; at < count; at += 50_000)
        yield Array.from({ length: Math.min(50_000, count - at) }, (_, n) => ({ id: `r${at + n}` }));
    }
    const content = formatted([field('id', 'text')], many(), { format: 'xlsx', escaping: 'raw', title: 'x' });
    const bytes = await bytesOf(content);
    const second = await partOf(bytes, 'xl/worksheets/sheet2.xml');
    expect(second).toContain('<t>id</t>');
    expect(second.match(/>r\d+</g)).toEqual(['>r1048575<', '>r1048576<', '>r1048577<']);
    expect(await partOf(bytes, 'xl/workbook.xml')).toContain('<sheet name="x 2" sheetId="2"');
    expect(await partOf(bytes, '[Content_Types].xml')).toContain('/xl/worksheets/sheet2.xml');
  });

  test('a cell longer than a workbook holds is refused by name, not cut', async () => {
    const content = workbookOf([{ id: 'x'.repeat(32_768) }]);
    await expect(bytesOf(content)).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('A2 (id) has 32768 characters'),
    });
  });
});

describe.each(['csv', 'ndjson', 'xlsx'] as const)('%s', (format) => {
  const options = { format, escaping: 'people', title: 'x' } as const;

  test('a reader that leaves ends the source of rows', async () => {
    let ended = 0;
    async function* endless() {
      try {
        for (let n = 0; ; n++)
          yield Array.from({ length: 500 }, (_, i) => ({ id: `row ${n} ${i} ${Math.random()}` }));
      } finally {
        ended++;
      }
    }
    let bytes = 0;
    for await (const piece of formatted(fields, endless(), options)) {
      bytes += piece.length;
      if (bytes > 100_000) break;
    }
    expect(ended).toBe(1);
  });

  test('a source that fails fails the file, with its own error', async () => {
    async function* failing() {
      yield [{ id: 'a' }];
      throw new Error('the source broke');
    }
    await expect(bytesOf(formatted(fields, failing(), options))).rejects.toThrow('the source broke');
  });
});
