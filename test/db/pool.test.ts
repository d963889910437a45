import pg from 'pg';
import { createPool, type Db } from '../../src/db/pool.ts';
import { parseTimestamptz } from '../../src/db/wire-types.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

describe('Values on their way from PostgreSQL', () => {
  let db: TestDatabase;
  let app: Db;
  beforeAll(async () => {
    db = await testDatabase();
    app = db.app;
  });
  afterAll(() => db.drop());

  const one = async (expression: string): Promise<unknown> =>
    (await app.query(`SELECT ${expression} AS value`)).rows[0]?.value;

  test('microseconds survive, always with six digits', async () => {
    expect(await one(`'2024-02-29 23:59:59.123456+00'::timestamptz`)).toBe('2024-02-29T23:59:59.123456Z');
    expect(await one(`'2024-02-29 23:59:59.1+00'::timestamptz`)).toBe('2024-02-29T23:59:59.100000Z');
    expect(await one(`'2024-02-29 23:59:59+00'::timestamptz`)).toBe('2024-02-29T23:59:59.000000Z');
  });

  test('a time of another zone comes back as UTC', async () => {
    expect(await one(`'2024-03-01 01:30:00.000001+02'::timestamptz`)).toBe('2024-02-29T23:30:00.000001Z');
  });

  test('a time in text form goes back in unchanged', async () => {
    const { rows } = await app.query('SELECT $1::timestamptz AS value', ['2024-02-29T23:59:59.000007Z']);
    expect(rows[0]?.value).toBe('2024-02-29T23:59:59.000007Z');
  });

  test('a time that is not of a UTC session is refused', () => {
    expect(() => parseTimestamptz('2024-03-01 01:30:00+02')).toThrow('not a UTC time');
    expect(() => parseTimestamptz('infinity')).toThrow('not a UTC time');
  });

  test('positions are numbers', async () => {
    expect(await one('9007199254740991::bigint')).toBe(Number.MAX_SAFE_INTEGER);
    expect(await one('(-7)::bigint')).toBe(-7);
  });

  test('positions beyond 2^53 are refused, and the connection lives on', async () => {
    await expect(one('9007199254740993::bigint')).rejects.toThrow('beyond what a number holds');
    expect(await one('1::bigint')).toBe(1);
  });

  test('arrays of positions and times are parsed element by element', async () => {
    expect(await one(`ARRAY[1, NULL, 3]::bigint[]`)).toEqual([1, null, 3]);
    expect(await one(`'{}'::bigint[]`)).toEqual([]);
    expect(await one(`ARRAY['2024-01-01 00:00:00.5+00']::timestamptz[]`)).toEqual([
      '2024-01-01T00:00:00.500000Z',
    ]);
    await expect(one('ARRAY[9007199254740993]::bigint[]')).rejects.toThrow('beyond what a number holds');
  });

  test('json and jsonb are values, dates stay text', async () => {
    expect(await one(`'{"a": [1]}'::jsonb`)).toEqual({ a: [1] });
    expect(await one(`'{"a": [1]}'::json`)).toEqual({ a: [1] });
    expect(await one(`'2024-02-29'::date`)).toBe('2024-02-29');
    expect(await one('1.10::numeric')).toBe('1.10');
  });

  test("the driver's own table stays as it was", async () => {
    const plain = new pg.Client(db.applicationUrl);
    await plain.connect();
    const { rows } = await plain.query('SELECT 1::bigint AS number, now() AS time');
    await plain.end();
    expect(rows[0]?.number).toBe('1');
    expect(rows[0]?.time).toBeInstanceOf(Date);
  });

  test('a statement that outlives its bound is cancelled', async () => {
    const impatient = createPool({
      url: db.applicationUrl,
      onError: () => undefined,
      statementTimeoutMs: 50,
    });
    await expect(impatient.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
    await impatient.end();
  });
});
