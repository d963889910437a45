/** The pure parts of the console: what it makes of schemas, files and filters. */
import { filterOf, searchOf, whereOf } from '../../console/src/accounts/account-filter.ts';
import { fieldsOf } from '../../console/src/form/schema.ts';
import { initialValues, inputOf, keyPerInput } from '../../console/src/form/values.ts';
import { money, plainValue, words } from '../../console/src/parts/written.ts';
import { csvRows } from '../../console/src/start-job/csv-rows.ts';
import { readHead } from '../../console/src/start-job/file-head.ts';
import { guessMapping, missing } from '../../console/src/start-job/mapping.ts';
import { inline, row, workbook } from '../workers/workbooks.ts';

const schema = {
  type: 'object',
  properties: {
    accountId: { type: 'string' },
    contract: { anyOf: [{ const: 'one-year' }, { const: 'two-year' }] },
    tenureMonths: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    trial: { type: 'boolean' },
    until: { type: 'string', format: 'date-time' },
    plan: { anyOf: [{ type: 'string' }, { type: 'null' }] },
    value: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    reason: { type: 'string' },
  },
  required: ['accountId', 'contract'],
};

describe('A form from a JSON Schema', () => {
  const fields = fieldsOf(schema);

  test('shows each property as the kind of field that its type is', () => {
    expect(Object.fromEntries(fields.map(({ name, kind }) => [name, kind]))).toEqual({
      accountId: 'text',
      contract: 'choice',
      tenureMonths: 'number',
      trial: 'boolean',
      until: 'moment',
      plan: 'text',
      value: 'any',
      reason: 'long-text',
    });
    expect(fields[1]?.choices).toEqual(['one-year', 'two-year']);
    expect(fields[2]?.maximum).toBeUndefined();
  });

  test('leaves empty fields out of the input and gives numbers, times and JSON values their types', () => {
    const values = {
      ...initialValues(fields, { accountId: 'a-1' }),
      tenureMonths: '12',
      value: 'true',
      plan: ' ',
    };
    expect(inputOf(fields, values)).toEqual({ accountId: 'a-1', tenureMonths: 12, value: true });
    expect(inputOf(fields, { until: '2026-11-24T10:00:00' }).until).toMatch(
      /^2026-11-2[345]T\d\d:00:00\.000Z$/,
    );
    expect(inputOf(fields, { value: 'plain text' })).toEqual({ value: 'plain text' });
  });

  test('sends the same input again under the same idempotency key, and a changed one under another', () => {
    const keyFor = keyPerInput();
    const first = keyFor({ a: 1 });
    expect(keyFor({ a: 1 })).toBe(first);
    expect(keyFor({ a: 2 })).not.toBe(first);
  });
});

describe('The filter of the account list', () => {
  const search = new URLSearchParams(
    'status=active&monthlyCharges[gte]=50.00&monthlyCharges[lte]=80&x=1&plan=',
  );

  test('becomes the where of a bulk job with the same meaning', () => {
    expect(whereOf(filterOf(search))).toEqual({
      status: 'active',
      monthlyCharges: { gte: '50.00', lte: '80' },
    });
  });

  test('survives the way through the address bar', () => {
    const filter = filterOf(search);
    expect(filterOf(new URLSearchParams(searchOf(filter)))).toEqual(filter);
  });
});

describe('The head of a file', () => {
  test('is read with quotes, doubled quotes, commas and line breaks within quotes, and CRLF', () => {
    expect(csvRows('a,"b ""c"", d"\r\n"x\ny",\r\n\r\nlast,1', 5)).toEqual([
      ['a', 'b "c", d'],
      ['x\ny', ''],
      ['last', '1'],
    ]);
  });

  test('names the columns of a CSV with a byte order mark, and of NDJSON', async () => {
    const csv = await readHead(new File(['\uFEFFid, plan\n1,DSL\n'], 'a.csv'));
    expect(csv).toEqual({
      type: 'text/csv',
      columns: ['id', 'plan'],
      rows: [{ id: '1', plan: 'DSL' }],
      reading: { encoding: 'utf-8', delimiter: 'comma' },
    });
    const ndjson = await readHead(new File(['{"id":1}\n{"id":2,"plan":"x"}\n'], 'a.ndjson'));
    expect([ndjson.type, ndjson.columns]).toEqual(['application/x-ndjson', ['id', 'plan']]);
  });

  test('tells the encoding and the delimiter that it was read with, and reads anew with what it is told', async () => {
    const text = 'Id;Ort;Preis\n1;Köln;29,85\n';
    const latin = Buffer.from(text, 'latin1');
    const windows = await readHead(new File([latin], 'a.csv'), { decimal: 'comma' });
    expect(windows).toMatchObject({
      columns: ['Id', 'Ort', 'Preis'],
      rows: [{ Ort: 'Köln' }],
      reading: { encoding: 'windows-1252', delimiter: 'semicolon', decimal: 'comma' },
    });
    const utf16 = await readHead(
      new File([Buffer.from(`\ufeff${text.replaceAll(';', '\t')}`, 'utf16le')], 'a.txt'),
    );
    expect(utf16).toMatchObject({
      columns: ['Id', 'Ort', 'Preis'],
      reading: { encoding: 'utf-16le', delimiter: 'tab' },
    });
    const told = await readHead(new File([text], 'a.csv'), { delimiter: 'comma' });
    expect(told.columns).toEqual(['Id;Ort;Preis']);
  });

  test('names the columns of a workbook, of the sheet that is shown first or the one that is chosen', async () => {
    const sheets = {
      Lists: row(inline('x')),
      Old:
        '<row r="1"/><row r="2"><c r="B2" t="s"><v>1</v></c><c r="D2" t="s"><v>0</v></c></row>' +
        row('<c r="B3"><v>7</v></c>', '<c r="D3"/>'),
      New: row(inline('a &amp; b')) + row(inline('1')),
    };
    const strings = ['<r><t>pl</t></r><r><t>an</t></r>', '<t>id</t>'];
    const file = new File([await workbook({ sheets, strings, hidden: ['Lists'] })], 'a.xlsx');
    expect(await readHead(file)).toMatchObject({
      columns: ['id', 'plan'],
      rows: [{ id: '7', plan: '' }],
      reading: { sheet: 'Old' },
      sheets: ['Lists', 'Old', 'New'],
    });
    expect(await readHead(file, { sheet: 'New' })).toMatchObject({
      columns: ['a & b'],
      reading: { sheet: 'New' },
    });
    await expect(readHead(new File([Buffer.from('PK rubbish')], 'a.xlsx'))).rejects.toThrow('damaged');
  });

  test('is refused in words where there is nothing to map', async () => {
    await expect(readHead(new File([''], 'a.csv'))).rejects.toThrow('The file is empty.');
    await expect(readHead(new File(['{"a":1}\nnope'], 'a.ndjson'))).rejects.toThrow('Line 2');
  });

  test('is mapped by the names of fields and by what others call them; what is required and lacking is told', () => {
    const fields = fieldsOf(schema);
    const mapping = guessMapping(fields, ['customerID', 'Tenure Months', 'Reason']);
    expect(mapping).toEqual({ accountId: 'customerID', tenureMonths: 'Tenure Months', reason: 'Reason' });
    expect(missing(fields, mapping)).toEqual(['contract']);
  });
});

describe('What is written for people', () => {
  test('money is exact, however large', () => {
    expect(money('12345678901234567.89')).toBe('$12,345,678,901,234,567.89');
    expect(money(null)).toBe('–');
    const kept = [
      { minor: 2985, currency: 'USD' },
      { minor: -5, currency: 'USD' },
      { minor: 2985, currency: 'JPY' },
    ];
    expect(kept.map(plainValue)).toEqual(['$29.85', '-$0.05', '¥2,985']);
  });

  test('names of fields and commands are words', () => {
    expect([words('monthlyCharges'), words('suspend-account')]).toEqual([
      'Monthly charges',
      'Suspend account',
    ]);
  });
});
