/** What one follower of the log has read is there for the others, for a moment, and never in place of the log. */
import type { Db } from '../../src/db/pool.ts';
import { createRecent, type Recent, recentPositions } from '../../src/events/recent.ts';
import { tamper } from '../audit/transparency/testbed.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';

let db: TestDatabase;
let recent: Recent;
let asked: (readonly unknown[])[];

const fill = (from: number, to: number) =>
  db.app.query(
    `INSERT INTO events SELECT p, gen_random_uuid(), 'counter-' || p, 1, 'Counted', 1,
      json_build_object('by', p), '{"actor":{"id":"person:1"}}', clock_timestamp()
    FROM generate_series($1::bigint, $2::bigint) AS p`,
    [from, to],
  );

/** Positions that a reader gets. */
const read = async (after: number, upTo: number, limit = 1_000): Promise<readonly number[]> =>
  (await recent.read(after, upTo, limit)).map(({ text }) => text.position);

const from = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);

beforeAll(async () => {
  db = await testDatabase();
  await fill(1, 1_000);
});
beforeEach(() => {
  asked = [];
  const counting = {
    query: (statement: { readonly values: readonly unknown[] }) => {
      asked.push(statement.values);
      return db.app.query(statement as never);
    },
  };
  recent = createRecent(counting as unknown as Db);
});
afterAll(() => db.drop());

test('those who follow each other read each event once, wherever their pages end', async () => {
  expect(await read(900, 950)).toEqual(from(901, 950));
  expect(await read(950, 1_000)).toEqual(from(951, 1_000));
  expect(await read(920, 980)).toEqual(from(921, 980));
  expect(await read(900, 1_000, 77)).toEqual(from(901, 977));
  expect(await read(977, 1_000)).toEqual(from(978, 1_000));
  expect(asked).toEqual([
    [900, 950, 1_000],
    [950, 1_000, 1_000],
  ]);
});

test('only what is missing is read, and one who comes meanwhile waits for it', async () => {
  await read(900, 940);
  const both = await Promise.all([read(900, 990), read(930, 990), read(940, 960)]);
  expect(both).toEqual([from(901, 990), from(931, 990), from(941, 960)]);
  expect(asked.slice(1)).toEqual([[940, 990, 960]]);
});

test('who is further behind reads for himself, and the others keep what they have', async () => {
  await read(900, 1_000);
  expect(await read(100, 200)).toEqual(from(101, 200));
  expect(await read(890, 1_000)).toEqual(from(891, 1_000));
  await read(900, 1_000);
  expect(asked).toHaveLength(3);
});

test('shapes are those of the log', async () => {
  const [one] = await recent.read(900, 901, 10);
  const event = { position: 901, stream: 'counter-901', version: 1, type: 'Counted', data: { by: 901 } };
  for (let asked = 0; asked < 3; asked++) {
    expect(one?.stored()).toMatchObject({ ...event, metadata: { actor: { id: 'person:1' } } });
    expect(one?.unread()).toMatchObject({ ...event, metadata: '{"actor":{"id":"person:1"}}' });
  }
});

test('after a moment the log is read again: another database may stand in its place', async () => {
  await read(900, 1_000);
  await tamper(db, `UPDATE events SET data = '{"by": "another"}' WHERE position = 950`);
  await until(async () => (await recent.read(949, 950, 10))[0]?.stored().data.by === 'another');
});

test('a gap is handed out as it is and not remembered', async () => {
  await fill(1_002, 1_005);
  expect(await read(998, 1_005)).toEqual([999, 1_000, ...from(1_002, 1_005)]);
  await fill(1_001, 1_001);
  expect(await read(998, 1_005)).toEqual(from(999, 1_005));
});

test('it is bounded', async () => {
  await db.app.query(
    `INSERT INTO events SELECT p, gen_random_uuid(), 'counter-' || p, 1, 'Counted', 1,
      json_build_object('by', repeat('x', 1000000)), '{}', clock_timestamp()
    FROM generate_series(1006, 1015) AS p`,
  );
  for (let after = 1_005; after < 1_015; after++) await read(after, after + 1);
  asked = [];
  expect(await read(1_012, 1_015)).toEqual(from(1_013, 1_015));
  expect(asked).toEqual([]);
  expect(await read(1_005, 1_015)).toEqual(from(1_006, 1_015));
  expect(asked).toHaveLength(1);
  expect(recentPositions).toBeGreaterThan(1_000);
});
