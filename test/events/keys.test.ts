/** The key ring: what is asked of the database for the keys that many need at once. */
import { randomBytes } from 'node:crypto';
import type { Queryable } from '../../src/db/pool.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';

let db: TestDatabase;

beforeAll(async () => {
  db = await testDatabase();
});
afterAll(() => db.drop());

const masterKey = randomBytes(32);
const subjects = Array.from({ length: 50 }, (_, n) => `account-${n}`);

const counted = () => {
  const asked: unknown[] = [];
  const query = ((...given: unknown[]) => {
    asked.push(given[0]);
    return (db.app.query as (...args: unknown[]) => unknown)(...given);
  }) as Queryable['query'];
  return { asked, ring: createKeyRing({ query }, masterKey) };
};

test('many that look for keys at the same time ask one question, and each gets its own', async () => {
  const made = await createKeyRing(db.app, masterKey).make(subjects);
  const { asked, ring } = counted();
  const found = await Promise.all(subjects.map((subject) => ring.find([subject, 'account-none'])));
  expect(asked).toHaveLength(1);
  found.forEach((keys, n) => {
    const subject = subjects[n] as string;
    expect(keys.get(subject)).toEqual(made.get(subject));
    expect(keys.get('account-none')).toBeUndefined();
  });
  await ring.find(subjects);
  expect(asked).toHaveLength(1);
});

test('what fails, fails for all who asked together, and not for who asks again', async () => {
  let broken = true;
  const query = ((...given: unknown[]) =>
    broken
      ? Promise.reject(new Error('the connection broke'))
      : (db.app.query as (...args: unknown[]) => unknown)(...given)) as Queryable['query'];
  const ring = createKeyRing({ query }, masterKey);
  const both = await Promise.allSettled([ring.find(['account-1']), ring.find(['account-2'])]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  broken = false;
  expect((await ring.find(['account-1'])).get('account-1')).toHaveLength(32);
});
