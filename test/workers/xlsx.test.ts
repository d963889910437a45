import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type House, inPieces, openHouse } from './house.ts';
import { inline, number, row, type WorkbookParts, workbook } from './workbooks.ts';

const mediaType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/** No workers run here: what is accepted stays as it was accepted. */
describe('A bulk job from a workbook', () => {
  let db: TestDatabase;
  let house: House;
  beforeAll(async () => {
    db = await testDatabase();
    house = await openHouse({ db });
  });
  afterAll(async () => {
    await house.close();
    await db.drop();
  });

  const upload = (content: Buffer, query: Record<string, string> = {}) =>
    house.upload({ command: 'pack-crate', ...query }, content, { mediaType });
  const stored = async (id: string): Promise<unknown[]> =>
    (
      await db.app.query('SELECT inputs FROM bulk_chunks WHERE job_id = $1 ORDER BY chunk', [id])
    ).rows.flatMap((one) => one.inputs as unknown[]);
  const itemsOf = async (parts: WorkbookParts, query: Record<string, string> = {}) => {
    const job = await upload(await workbook(parts), query);
    return { job, items: await stored(job.id) };
  };
  const sheet = (...rows: readonly string[]): WorkbookParts => ({ sheets: { Crates: rows.join('') } });
  const header = row(inline('crateId'), inline('weight'));

  const refusal = async (content: Buffer | WorkbookParts, query: Record<string, string> = {}) => {
    const bytes = Buffer.isBuffer(content) ? content : await workbook(content as WorkbookParts);
    const error = await upload(bytes, query).then(
      () => undefined,
      (e) => e,
    );
    const errors = (error?.errors ?? []) as { path: string; message: string }[];
    return {
      code: error?.code,
      paths: errors.map(({ path }) => path),
      said: [error?.message, ...errors.map(({ message }) => message)].join(' '),
    };
  };

  test('numbers, truth values, texts and results of formulas are read as the fields ask for', async () => {
    const { job, items } = await itemsOf({
      strings: ['<t>crateId</t>', '<t>a-1</t>', '<r><t>gr</t></r><r><t>een</t></r><rPh><t>x</t></rPh>'],
      sheets: {
        Crates: [
          '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="inlineStr"><is><t>weight</t></is></c><c r="C2" t="str"><f>"fra"</f><v>fragile</v></c></row>',
          '<row r="4"><c r="A4" t="s"><v>1</v></c><c r="B4"><v>1.1000000000000001</v></c><c r="C4" t="b"><v>1</v></c></row>',
          '<row r="5"/>',
          '<row r="6"><c r="C6" t="b"><f>A1</f><v>0</v></c></row>'.replace(
            '<c r="C6"',
            '<c r="A6"><v>17</v></c><c r="B6"><f>1+1</f><v>2</v></c><c r="C6"',
          ),
          '<row r="7"><c r="A7" t="s"><v>2</v></c><c r="B7" t="str"><f>x</f><v>3.5</v></c></row>',
        ].join(''),
      },
    });
    expect(job).toMatchObject({ total: 3, source: 'xlsx', readAs: { sheet: 'Crates' } });
    expect(items).toEqual([
      { t: 'a-1', l: 4, i: { crateId: 'a-1', weight: 1.1, fragile: true } },
      { t: '17', l: 6, i: { crateId: '17', weight: 2, fragile: false } },
      { t: 'green', l: 7, i: { crateId: 'green', weight: 3.5 } },
    ]);
  });

  test('dates are read as dates, by the styles and the calendar of the workbook', async () => {
    const formats = [
      { id: 0 },
      { id: 14 },
      { id: 165, code: 'dd/mm/yyyy\\ hh:mm' },
      { id: 166, code: '0.00&quot;days&quot;' },
      { id: 21 },
    ];
    const sheets = {
      Crates: [
        header.replace('</row>', `${inline('owner')}</row>`),
        row(inline('d1'), number('1'), number('46112', 1)),
        row(inline('d2'), number('1'), number('46112.75', 2)),
        row(inline('d3'), number('1'), number('2.5', 3)),
        row(inline('d4'), number('1'), number('0.5', 4)),
        row(inline('d5'), number('1'), number('59', 1)),
      ].join(''),
    };
    const owners = async (parts: WorkbookParts) => {
      const { items } = await itemsOf(parts);
      const opened = await house.openInputs(items as { i: Record<string, unknown> }[]);
      return opened.map(({ owner }) => owner);
    };
    expect(await owners({ formats, sheets })).toEqual([
      '2026-03-31',
      '2026-03-31T18:00:00',
      '2.5',
      '12:00:00',
      '1900-02-28',
    ]);
    expect((await owners({ formats, sheets, since1904: true }))[0]).toBe('2030-04-01');
  });

  test('a cell with an error, or a formula nobody worked out, is told with its column', async () => {
    const { items } = await itemsOf(
      sheet(header, row(inline('e1'), '<c t="e"><v>#N/A</v></c>'), row(inline('e2'), '<c><f>1+1</f></c>')),
    );
    expect(items).toMatchObject([
      { t: 'e1', l: 2, e: [{ path: 'weight', message: 'holds the error #N/A in place of a value' }] },
      { t: 'e2', l: 3, e: [{ path: 'weight', message: expect.stringContaining('without its result') }] },
    ]);
  });

  test('the first sheet that is shown is taken, or the one that is named', async () => {
    const sheets = {
      Lists: row(inline('x')),
      Old: header + row(inline('old'), number('1')),
      New: header + row(inline('new'), number('1')),
    };
    const parts = { sheets, hidden: ['Lists'] };
    expect((await itemsOf(parts)).items).toMatchObject([{ t: 'old' }]);
    const named = await itemsOf(parts, { sheet: 'New' });
    expect(named.job.readAs).toEqual({ sheet: 'New' });
    expect(named.items).toMatchObject([{ t: 'new' }]);
    const refused = await refusal(parts, { sheet: 'Newest' });
    expect(refused).toMatchObject({ code: 'invalid_input', paths: ['sheet'] });
    expect(refused.said).toContain('"Lists", "Old", "New"');
  });

  test('a map takes the columns it names; stray values beside the table do no harm', async () => {
    const map = JSON.stringify({ crateId: 'Number', weight: 'Kilo' });
    const { items } = await itemsOf(
      sheet(
        row(inline('Note'), inline('Number'), inline('Kilo')),
        row(inline('x'), inline('m1'), number('4'), inline('stray')),
      ),
      { map },
    );
    expect(items).toEqual([{ t: 'm1', l: 2, i: { crateId: 'm1', weight: 4 } }]);
  });

  test('a hundred thousand texts of their own are looked up in a file, in any order', async () => {
    const count = 100_000;
    const strings = Array.from({ length: count }, (_, n) => `<t>c-${n}</t>`);
    const order = Array.from({ length: 2_000 }, (_, n) => (n * 49_999) % count);
    const rows = order.map((n) => row(`<c t="s"><v>${n}</v></c>`, number('1')));
    const { items } = await itemsOf({ strings, sheets: { Crates: header + rows.join('') } });
    expect((items as { t: string }[]).map(({ t }) => t)).toEqual(order.map((n) => `c-${n}`));
  });

  test('what cannot be a workbook is told as what it is', async () => {
    const whole = await workbook(sheet(header, row(inline('a'), number('1'))));
    const cut = whole.subarray(0, whole.length - 30);
    const other = await workbook({ sheets: {}, more: { '_rels/.rels': '<Relationships/>' } });
    const protectedBook = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600)]);
    const cases: [Buffer, string][] = [
      [Buffer.alloc(0), 'empty'],
      [Buffer.from('crateId,weight\na,1\n'), 'no .xlsx file'],
      [cut, 'cut off or damaged'],
      [protectedBook, 'password'],
      [other, 'no workbook'],
    ];
    for (const [content, said] of cases) {
      const refused = await refusal(content);
      expect(refused).toMatchObject({ code: 'malformed_request', paths: ['workbook'] });
      expect(refused.said).toContain(said);
    }
  });

  test('a part with a flipped byte is refused, wherever it is', async () => {
    const rows = Array.from({ length: 500 }, (_, n) => row(inline(`f${n}`), number(`${n + 1}`)));
    const whole = await workbook(sheet(header, ...rows));
    const at = whole.indexOf('xl/worksheets/sheet1.xml') + 2_000;
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 0xff;
    expect(await refusal(flipped)).toMatchObject({ code: 'malformed_request', paths: ['workbook'] });
  });

  test.each([
    ['a header and no rows', sheet(header), 'malformed_request', 'no rows'],
    ['no rows at all', sheet(), 'malformed_request', 'empty'],
    [
      'a column twice',
      sheet(row(inline('crateId'), inline('crateId')), row(inline('a'))),
      'invalid_input',
      'twice',
    ],
    [
      'a column without a name',
      sheet(row(inline('crateId'), '<c/>', inline('weight')), row(inline('a'))),
      'invalid_input',
      'Column 2 has no name',
    ],
    [
      'a value behind the last column',
      sheet(header, row(inline('a'), number('1'), number('2'))),
      'malformed_request',
      'behind the last column',
    ],
    [
      'XML that is cut off',
      { ...sheet(), more: { 'xl/worksheets/sheet1.xml': '<worksheet><sheetData><row>' } },
      'malformed_request',
      'damaged',
    ],
    [
      'a text that is not there',
      sheet(header, row('<c t="s"><v>7</v></c>', number('1'))),
      'malformed_request',
      'damaged',
    ],
    [
      'entities of its own',
      {
        ...sheet(),
        more: {
          'xl/worksheets/sheet1.xml':
            '<!DOCTYPE w [<!ENTITY a "b">]><worksheet><sheetData><row><c t="str"><v>&a;</v></c></row></sheetData></worksheet>',
        },
      },
      'malformed_request',
      'damaged',
    ],
    [
      'tags that open and never close',
      { ...sheet(), more: { 'xl/worksheets/sheet1.xml': `<worksheet>${'<a>'.repeat(1_000_000)}` } },
      'malformed_request',
      'damaged',
    ],
    ...['abc', '0', '1e3', '1152921504606846976'].map((line) => [
      `a row numbered ${line}`,
      sheet(header.replace('<row', `<row r="${line}"`)),
      'malformed_request',
      'damaged',
    ]),
    [
      'a text of a megabyte',
      sheet(header, row(inline('x'.repeat(2 ** 20)), number('1'))),
      'too_large',
      'characters',
    ],
  ] as [string, WorkbookParts, string, string][])(
    '%s refuses the whole upload',
    async (_what, parts, code, said) => {
      const refused = await refusal(parts);
      expect(refused.code).toBe(code);
      expect(refused.said).toContain(said);
    },
  );

  test('options of CSV are refused with a workbook, by name', async () => {
    const options = { delimiter: 'tab', decimal: 'comma', encoding: 'utf-8' };
    expect((await refusal(sheet(header), options)).paths).toEqual(['encoding', 'delimiter', 'decimal']);
  });

  test('what unfolds beyond all measure is refused before it does', async () => {
    const zeros = { ...sheet(), more: { 'xl/styles.xml': ' '.repeat(17 * 2 ** 20) } };
    const content = await workbook(zeros);
    expect(content.length).toBeLessThan(100_000);
    expect((await refusal(content)).code).toBe('too_large');
  });

  test('nothing is left in the temporary directory, whatever became of the upload', async () => {
    const before = process.env.TMPDIR;
    const folder = await mkdtemp(path.join(tmpdir(), 'uploads-'));
    process.env.TMPDIR = folder;
    await refusal(Buffer.from('PK rubbish'));
    const whole = await workbook(sheet(header, row(inline('left'), number('1'))));
    await upload(whole);
    const cut = async function* () {
      yield* inPieces(whole.subarray(0, 200));
      throw new Error('the connection was cut');
    };
    const request = { mediaType, content: cut() };
    await expect(house.upload({ command: 'pack-crate' }, '', request)).rejects.toThrow('was cut');
    expect(await readdir(folder)).toEqual([]);
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
    await rm(folder, { recursive: true });
    expect((await db.app.query("SELECT FROM bulk_jobs WHERE state = 'staging'")).rowCount).toBe(0);
  });
});
