import { hashPage } from '../../../src/audit/transparency/hashing.ts';
import { piecesOf } from '../../../src/audit/transparency/stored-page.ts';
import { type TestDatabase, testDatabase } from '../../setup/database.ts';
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

test('pages of stored text have the hashes that were sealed', async () => {
  const { position: head } = await log.log.head();
  for (const [after, upTo] of [
    [0, head],
    [3, 17],
    [head, head + 10],
  ] as const) {
    const { count, hashes } = await hashPage(db.app, after, upTo);
    expect(count).toBe(Math.min(head, upTo) - after);
    expect(Buffer.from(hashes ?? [])).toEqual(
      count === 0 ? Buffer.alloc(0) : await log.transparency.tree.leaves(after, upTo),
    );
  }
});

test('a page of which an event is not stored as it is written has no hashes', async () => {
  await tamper(db, `UPDATE events SET data = E'{\\n"by": 3}' WHERE position = 5`);
  expect((await hashPage(db.app, 0, 4)).hashes).toBeDefined();
  expect(await hashPage(db.app, 0, 10)).toMatchObject({
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
