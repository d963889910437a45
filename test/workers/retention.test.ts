/** What became of items is kept for as long as told, then jobs are reduced to their totals. */
import { createRetention } from '../../src/workers/retention.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { until } from '../setup/until.ts';
import { ann, type House, ids, openHouse, proveFromLog } from './house.ts';

let db: TestDatabase;
let house: House;

beforeAll(async () => {
  db = await testDatabase();
  house = await openHouse({ db });
  await house.bulk.start();
});
afterAll(async () => {
  await house.close();
  await db.drop();
});

const inDays = (days: number) => () =>
  new Date(Date.now() + days * 86_400_000).toISOString().replace('Z', '000Z');

const retention = (days: number, clock: () => string) =>
  createRetention({
    pool: db.app,
    clock,
    days,
    leaderUrl: db.applicationUrl,
    onError: (error) => {
      throw error;
    },
  });

const rowsLeft = async (id: string): Promise<number> =>
  (
    await db.app.query(
      `SELECT (SELECT count(*) FROM bulk_chunks WHERE job_id = $1) +
        (SELECT count(*) FROM bulk_rounds WHERE job_id = $1) AS n`,
      [id],
    )
  ).rows[0]?.n as number;

/** Of 1,203 crates three are too heavy to be a number. */
const packed = async (prefix: string) => {
  const rows = ids(prefix, 1_203).map((id, n) => `${id},${n % 500 === 0 ? 'heavy' : 1}`);
  const job = await house.upload(
    { command: 'pack-crate', label: prefix },
    ['crateId,weight', ...rows].join('\n'),
  );
  return house.ended(job.id);
};

test('results are kept for the days that were told, and not less', async () => {
  const job = await packed('kept');
  expect(await retention(90, inDays(89)).reduce()).toBe(0);
  expect(await house.allResults(job.id, 'rejected')).toHaveLength(3);
});

test('then they are gone, the job’s counts and the log remain', async () => {
  const job = await packed('gone');
  const clock = inDays(91);
  expect(await retention(90, clock).reduce()).toBeGreaterThanOrEqual(3);
  expect(await rowsLeft(job.id)).toBe(0);
  const reduced = await house.bulk.jobs.get({ principal: ann, id: job.id });
  const { resultsExpiredAt, ...rest } = reduced;
  expect(rest).toEqual(job);
  expect(resultsExpiredAt).toBeDefined();
  const ask = { principal: ann, id: job.id };
  const expired = { code: 'results_expired' };
  await expect(house.bulk.jobs.results(ask)).rejects.toMatchObject(expired);
  await expect(house.bulk.jobs.allResults(ask)).rejects.toMatchObject(expired);
  await expect(
    house.bulk.jobs.retryFailed({ ...ask, body: { outcomes: ['rejected'] } }),
  ).rejects.toMatchObject(expired);
  await proveFromLog(house, reduced);
  expect(await retention(90, clock).reduce()).toBe(0);
});

test('a job that has not ended is not touched', async () => {
  const startAt = inDays(300)();
  const job = await house.upload({ command: 'pack-crate', startAt }, 'crateId,weight\nwaiting,1\n');
  await retention(90, inDays(200)).reduce();
  expect(await rowsLeft(job.id)).toBe(1);
  await house.bulk.jobs.cancel({ principal: ann, id: job.id });
});

test('one whose results expired halfway is answered as gone, and reduced the next time', async () => {
  const job = await packed('halfway');
  await db.app.query('UPDATE bulk_jobs SET results_expired_at = now() WHERE id = $1', [job.id]);
  await db.app.query('DELETE FROM bulk_chunks WHERE job_id = $1 AND chunk = 1', [job.id]);
  await expect(house.bulk.jobs.results({ principal: ann, id: job.id })).rejects.toMatchObject({
    code: 'results_expired',
  });
  expect(await retention(90, inDays(0)).reduce()).toBe(2);
  expect(await rowsLeft(job.id)).toBe(0);
  expect((await house.bulk.jobs.get({ principal: ann, id: job.id })).rejected).toBe(3);
});

test('of several processes one does it, at its start; another takes over', async () => {
  const [first, second] = [await packed('first'), await packed('second')];
  await db.app.query(`UPDATE bulk_jobs SET finished_at = now() + interval '50 days' WHERE id = $1`, [
    second.id,
  ]);
  // It leads by itself while its workers run, by the true clock.
  await house.bulk.stop();
  const [one, other] = [retention(90, inDays(95)), retention(90, inDays(190))];
  one.start();
  await until(async () => (await rowsLeft(first.id)) === 0);
  other.start();
  expect(await rowsLeft(second.id)).toBeGreaterThan(0);
  await one.stop();
  await until(async () => (await rowsLeft(second.id)) === 0);
  await other.stop();
});
