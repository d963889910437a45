import { hashBeside, hashHere } from '../../../src/audit/transparency/hashing.ts';
import { piecesOf } from '../../../src/audit/transparency/stored-page.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';
import { openSealed, type Sealed, tamper } from './testbed.ts';

let db: TestDatabase;
let log: Sealed;

beforeEach(async () => {
  db = await testDatabase();
  log = await openSealed(db);
  for (let n = 0; n < 30; n++) await log.write(`counter-${n % 3}`, 'Counted', { by: n });
  await log.sealed();
});

afterEach(async () => {
  await log.close();
  await db.drop();
});

const program = new URL('./thread-from-source.mjs', import.meta.url);

const backends = async (): Promise<number> => {
  const { rows } = await db.app.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'quarterdeck-sealer'`,
  );
  return rows[0]?.n ?? 0;
};

test('a thread of its own gives the hashes that this one gives, and they are those that were sealed', async () => {
  const beside = hashBeside(db.applicationUrl, program);
  const { position: head } = await log.log.head();
  for (const [after, upTo] of [
    [0, head],
    [3, 17],
    [head, head + 10],
  ] as const) {
    const there = await beside.page(after, upTo);
    const here = await hashHere(db.app).page(after, upTo);
    expect({ ...there, hashes: Buffer.from(there.hashes ?? []) }).toEqual({
      ...here,
      hashes: Buffer.from(here.hashes ?? []),
    });
  }
  const all = await beside.page(0, head);
  expect(Buffer.from(all.hashes ?? [])).toEqual(await log.transparency.tree.leaves(0, head));
  await beside.close();
});

test('a thread whose connection broke hashes on, and takes its connection with it when it is closed', async () => {
  const beside = hashBeside(db.applicationUrl, program);
  await beside.page(0, 10);
  expect(await backends()).toBe(1);
  await db.app.query(
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'quarterdeck-sealer'`,
  );
  await until(async () =>
    beside.page(0, 10).then(
      ({ count }) => count === 10,
      () => false,
    ),
  );
  await beside.close();
  await until(async () => (await backends()) === 0);
});

test('a page that cannot be read fails, and nothing else does', async () => {
  const nowhere = new URL(db.applicationUrl);
  nowhere.pathname = '/no_such_database';
  const beside = hashBeside(nowhere.href, program);
  await expect(beside.page(0, 10)).rejects.toThrow('no_such_database');
  await expect(beside.page(0, 10)).rejects.toThrow('no_such_database');
  await beside.close();
});

test('a page of which an event is not stored as it is written has no hashes', async () => {
  await tamper(db, `UPDATE events SET data = E'{\\n"by": 3}' WHERE position = 5`);
  expect((await hashHere(db.app).page(0, 4)).hashes).toBeDefined();
  expect(await hashHere(db.app).page(0, 10)).toMatchObject({
    count: 10,
    first: 1,
    last: 10,
    hashes: undefined,
  });
});

test('metadata in another order than it is written in is not cut up', () => {
  const written =
    '{"actor":{"id":"a","kind":"person"},"correlationId":"c","decidedAt":"d","tool":"t","commandId":"i"}';
  expect(piecesOf(written)).toMatchObject({
    actor: '"a"',
    command: undefined,
    correlationId: '"c"',
    tool: '"t"',
  });
  for (const other of [
    '{"commandId":"i","actor":{"id":"a","kind":"person"},"correlationId":"c","decidedAt":"d","tool":"t"}',
    '{"actor":{"id":"a","kind":"person"},"tool":"t","correlationId":"c","decidedAt":"d","commandId":"i"}',
    '{"actor":{"id":"a","kind":"person"},"decidedAt":"d","correlationId":"c","tool":"t","commandId":"i"}',
    '{"actor":{"kind":"person","id":"a"},"correlationId":"c","decidedAt":"d","tool":"t","commandId":"i"}',
    '{"actor":{"id":"a","kind":"person"},"correlationId":"c","tool":"t","commandId":"i"}',
    '{}',
  ])
    expect(piecesOf(other)).toBeUndefined();
});
