import { uploadBytesMax } from '../../src/workers/sources/source.ts';
import { bounded } from '../../src/workers/sources/upload.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type House, openHouse } from './house.ts';

const ndjson = { mediaType: 'application/x-ndjson' };

/** No workers run here: what is accepted stays as it was accepted. */
describe('An upload', () => {
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

  const upload = (content: string | Buffer, query: Record<string, string> = {}, more: object = {}) =>
    house.upload({ command: 'move-crate', ...query }, content, more);
  const inputsOf = async (id: string) => {
    const { rows } = await db.app.query('SELECT inputs FROM bulk_chunks WHERE job_id = $1 ORDER BY chunk', [
      id,
    ]);
    return rows.flatMap(
      (row) => row.inputs as { t: string; l: number; i: Record<string, unknown>; e?: object[] }[],
    );
  };
  const inputs = async (content: string | Buffer, query: Record<string, string> = {}, more: object = {}) => {
    const job = await upload(content, query, more);
    return { readAs: job.readAs, items: (await inputsOf(job.id)).map(({ i }) => i) };
  };
  const refusal = async (content: string | Buffer, query: Record<string, string> = {}, more: object = {}) => {
    const error = await upload(content, query, more).then(
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

  const text = 'crateId,to\na,Köln – 5 €\nb,𝄞 hall\n';
  const moved = [
    { crateId: 'a', to: 'Köln – 5 €' },
    { crateId: 'b', to: '𝄞 hall' },
  ];
  const utf16be = (given: string) => Buffer.from(given, 'utf16le').swap16();

  test.each([
    ['UTF-8', Buffer.from(text), 'utf-8', {}, {}],
    ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`), 'utf-8', {}, {}],
    ['UTF-16 LE with a mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 'utf-16le', {}, {}],
    ['UTF-16 BE with a mark', utf16be(`\ufeff${text}`), 'utf-16be', {}, {}],
    ['UTF-16 LE by charset', Buffer.from(text, 'utf16le'), 'utf-16le', {}, { charset: 'UTF-16LE' }],
    ['UTF-16 BE by encoding', utf16be(text), 'utf-16be', { encoding: 'utf-16be' }, {}],
    ['a mark against what was said', Buffer.from(`\ufeff${text}`), 'utf-8', { encoding: 'windows-1252' }, {}],
  ])('is read in %s', async (_what, content, encoding, query, more) => {
    const { readAs, items } = await inputs(content, query, more);
    expect(items).toEqual(moved);
    expect(readAs).toEqual({ encoding, delimiter: 'comma', decimal: 'point' });
  });

  test('is read in Windows-1252 by charset or by encoding, euro sign and all', async () => {
    const content = Buffer.from('crateId,to\na,K\xf6ln \x96 5 \x80\n', 'latin1');
    for (const [query, more] of [
      [{ encoding: 'windows-1252' }, {}],
      [{}, { charset: 'windows-1252' }],
      [{}, { charset: 'ISO-8859-1' }],
    ] as const)
      expect((await inputs(content, query, more)).items).toEqual([{ crateId: 'a', to: 'Köln – 5 €' }]);
  });

  test('in another encoding than said is refused with its line and the remedy', async () => {
    const lines = Array.from({ length: 30_000 }, (_, n) => `n${n},Köln`).join('\n');
    const content = Buffer.concat([
      Buffer.from(`crateId,to\n${lines}\n`),
      Buffer.from('x,K\xf6ln\n', 'latin1'),
    ]);
    const refused = await refusal(content);
    expect(refused).toMatchObject({ code: 'invalid_input', paths: ['line 30002'] });
    expect(refused.said).toContain('encoding=windows-1252');
    expect(
      await refusal(Buffer.from('{"crateId":"a"}\n{"to":"K\xf6ln"}\n', 'latin1'), {}, ndjson),
    ).toMatchObject({
      code: 'invalid_input',
      paths: ['line 2'],
    });
    const halved = Buffer.from('crateId,to\na,\ud834\nb,c\n', 'utf16le');
    expect((await refusal(halved, { encoding: 'utf-16le' })).paths).toEqual(['line 2']);
    expect((await refusal(Buffer.from('a\x81', 'latin1'), { encoding: 'windows-1252' })).paths).toEqual([
      'line 1',
    ]);
  });

  test('that looks like UTF-16 or like a zip file is told so', async () => {
    expect((await refusal(Buffer.from('crateId,to\na,b\n', 'utf16le'))).said).toContain('encoding=utf-16le');
    expect((await refusal(Buffer.from('PK\x03\x04rubbish'))).said).toContain('Excel workbook');
  });

  test.each([
    ['an encoding that nobody knows', { encoding: 'klingon' }, {}, 'invalid_input', ['encoding']],
    ['a charset that nobody knows', {}, { charset: 'klingon' }, 'unsupported_media_type', []],
    ['two that differ', { encoding: 'utf-8' }, { charset: 'utf-16le' }, 'invalid_input', ['encoding']],
    ['a delimiter that is none', { delimiter: 'x' }, {}, 'invalid_input', ['delimiter']],
    ['a decimal sign that is none', { decimal: ';' }, {}, 'invalid_input', ['decimal']],
    ['a sheet with CSV', { sheet: 'One' }, {}, 'invalid_input', ['sheet']],
    [
      'what only tables have with NDJSON',
      { map: '{}', delimiter: 'tab', decimal: 'comma', sheet: 'x' },
      ndjson,
      'invalid_input',
      ['map', 'delimiter', 'decimal', 'sheet'],
    ],
  ])('with %s is refused by name', async (_what, query, more, code, paths) => {
    expect(await refusal(text, query as Record<string, string>, more)).toMatchObject({ code, paths });
  });

  test.each([
    ['comma', ','],
    ['semicolon', ';'],
    ['tab', '\t'],
  ])('is separated by %s where its first row is read best so, and says it in the job', async (name, sign) => {
    const rows = [
      ['crateId', 'to'],
      ['a', '"x, y; z"'],
    ];
    const { readAs, items } = await inputs(rows.map((cells) => cells.join(sign)).join('\r\n'));
    expect(readAs).toMatchObject({ delimiter: name });
    expect(items).toEqual([{ crateId: 'a', to: 'x, y; z' }]);
  });

  test('is separated by what makes the wanted columns, not by what is there most', async () => {
    const map = JSON.stringify({ crateId: 'Id', to: 'Place, shelf, box' });
    const { readAs, items } = await inputs('Id;Place, shelf, box\na;x, y, z\n', { map });
    expect(readAs).toMatchObject({ delimiter: 'semicolon' });
    expect(items).toEqual([{ crateId: 'a', to: 'x, y, z' }]);
  });

  test('is separated as it was said, whatever the first row looks like', async () => {
    expect((await refusal('crateId;to\na;b\n', { delimiter: 'comma' })).paths).toEqual(['header.crateId;to']);
    expect((await inputs('crateId;to\na;b\n', { delimiter: ';' })).readAs).toMatchObject({
      delimiter: 'semicolon',
    });
  });

  describe('with numbers', () => {
    const pack = { command: 'pack-crate' };
    const rows = 'crateId;weight\na;1,5\nb;2\nc;1.5\nd;1.234,5\n';

    test('has decimal commas only when they were chosen, and then no points', async () => {
      const job = await upload(rows, { ...pack, decimal: 'comma' });
      expect(job.readAs).toMatchObject({ decimal: 'comma' });
      const [a, b, c, d] = await inputsOf(job.id);
      expect([a?.i.weight, b?.i.weight]).toEqual([1.5, 2]);
      expect(c).toMatchObject({
        t: 'c',
        l: 4,
        e: [{ path: 'weight', message: expect.stringContaining('decimal=comma') }],
      });
      expect(d).toMatchObject({ t: 'd', l: 5, e: [{ path: 'weight' }] });
    });

    test('has decimal points otherwise, and a comma is no number', async () => {
      const [a, , c] = await inputsOf((await upload(rows, pack)).id);
      expect(a).toMatchObject({ t: 'a', e: [{ path: 'weight' }] });
      expect(c?.i.weight).toBe(1.5);
    });
  });

  test('without rows is refused, unless none were expected', async () => {
    expect(await refusal('crateId,to\n')).toMatchObject({ code: 'malformed_request' });
    expect(await refusal('\n\n', {}, ndjson)).toMatchObject({ code: 'malformed_request' });
    expect(await upload('crateId,to\n', { expectedCount: '0' })).toMatchObject({
      state: 'completed',
      total: 0,
    });
  });

  test('of more bytes than an upload may have is refused as soon as they come', async () => {
    const megabyte = Buffer.alloc(2 ** 20);
    let sent = 0;
    const endless = async function* () {
      for (;;) {
        sent += megabyte.length;
        yield megabyte;
      }
    };
    const reading = (async () => {
      for await (const _ of bounded(endless()));
    })();
    await expect(reading).rejects.toMatchObject({ code: 'too_large', extra: { limitBytes: uploadBytesMax } });
    expect(sent).toBeLessThan(uploadBytesMax + 2 * megabyte.length);
  });

  test('that breaks off leaves nothing', async () => {
    const jobs = async () => (await db.app.query('SELECT count(*)::int AS n FROM bulk_jobs')).rows[0]?.n;
    const before = await jobs();
    const cut = async function* () {
      yield Buffer.from(`crateId,to\n${Array.from({ length: 20_000 }, (_, n) => `c${n},hall`).join('\n')}`);
      throw new Error('the connection was cut');
    };
    await expect(upload('', {}, { content: cut() })).rejects.toThrow('was cut');
    expect(await jobs()).toBe(before);
  });
});
