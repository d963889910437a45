import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Deciding } from '../../src/commands/deciding.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { describeWhere, redisServer } from '../setup/needs.ts';
import { startRedis, type TestRedis } from '../setup/redis.ts';
import { ann, breakDecider, type House, ids, mendDecider, openHouse, proveFromLog } from './house.ts';

const rowsOf = (all: readonly string[], to: (n: number) => string): string =>
  ['crateId,to', ...all.map((id, n) => `${id},${to(n)}`)].join('\n');

describe('Faults during a bulk job', () => {
  let db: TestDatabase;
  let house: House;
  /** Runs before each round is decided on, after its streams were loaded. */
  let meanwhile: () => Promise<void> = async () => undefined;
  const interfering = (inner: Deciding): Deciding => ({
    async decideAll(asks, known) {
      const decisions = await inner.decideAll(asks, known);
      await meanwhile();
      return decisions;
    },
  });
  beforeAll(async () => {
    db = await testDatabase();
    house = await openHouse({ db, deciding: interfering });
    await house.bulk.start();
  });
  afterAll(async () => {
    await house.close();
    await db.drop();
  });
  afterEach(() => {
    meanwhile = async () => undefined;
    breakDecider();
  });

  test('a poison item fails alone, after retries, and the job completes with failures', async () => {
    const all = ids('poison', 300);
    await house.stock(all);
    const job = await house.upload(
      { command: 'move-crate' },
      rowsOf(all, (n) => (n === 123 ? 'broken' : 'hall')),
    );
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ state: 'completed-with-failures', succeeded: 299, failed: 1 });
    expect(await house.allResults(job.id, 'failed')).toMatchObject([
      { index: 123, target: 'poison123', line: 125, code: 'internal' },
    ]);
    await proveFromLog(house, done);
  });

  test('of several items of one target the poison one fails alone, and the others keep their order', async () => {
    await house.stock(['mixed']);
    const places = ['a', 'broken', 'b', 'c'];
    const job = await house.upload(
      { command: 'move-crate' },
      rowsOf(['mixed', 'mixed', 'mixed', 'mixed'], (n) => places[n] as string),
    );
    expect(await house.ended(job.id)).toMatchObject({ succeeded: 3, failed: 1 });
    const moved = (await house.log.readStreams(['crate-mixed'])).slice(1).map((e) => e.data.to);
    expect(moved).toEqual(['a', 'b', 'c']);
  });

  test('what failed is tried again as a job of its own, over those items alone', async () => {
    const all = ids('again', 20);
    await house.stock(all);
    const job = await house.upload(
      { command: 'move-crate', label: 'round' },
      rowsOf(all, (n) => (n % 10 === 0 ? 'broken' : 'hall')),
    );
    expect(await house.ended(job.id)).toMatchObject({ succeeded: 18, failed: 2 });
    mendDecider();
    const { job: retry } = await house.bulk.jobs.retryFailed({ principal: ann, id: job.id });
    expect(retry).toMatchObject({ total: 2, source: 'retry', retryOf: job.id, label: 'round' });
    expect(await house.ended(retry.id)).toMatchObject({ state: 'completed', succeeded: 2 });
    expect((await house.allResults(retry.id)).map(({ target }) => target)).toEqual(['again0', 'again10']);
    await expect(house.bulk.jobs.retryFailed({ principal: ann, id: retry.id })).rejects.toMatchObject({
      rejection: 'nothing_failed',
    });
  });

  test('what failed is not tried again from a sign-in that is too old for the command', async () => {
    const signedIn = (minutesAgo: number) => ({ ...ann, authenticatedAt: Date.now() - minutesAgo * 60_000 });
    const job = await house.start({ command: 'crush-crate', targets: ['a'] }, signedIn(1));
    expect(await house.ended(job.id)).toMatchObject({ failed: 1 });
    const again = (minutesAgo: number) =>
      house.bulk.jobs.retryFailed({ principal: signedIn(minutesAgo), id: job.id });
    await expect(again(6)).rejects.toMatchObject({ code: 'reauthentication_required' });
    expect(house.denials.at(-1)).toBe('crush-crate: reauthentication_required');
    expect((await again(4)).job).toMatchObject({ total: 1, retryOf: job.id });
  });

  test('a conflict is never an outcome: items whose streams others keep writing are decided again', async () => {
    const all = ids('hot', 150);
    await house.stock(all);
    let writes = 0;
    // Between load and append of every round somebody else moves the same crate.
    meanwhile = async () => {
      if (writes >= 4) return;
      writes++;
      await house.run('move-crate', { crateId: 'hot7', to: `elsewhere${writes}` });
    };
    const job = await house.start({ command: 'move-crate', input: { to: 'hall' }, targets: all });
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ state: 'completed', succeeded: 150, rejected: 0, failed: 0 });
    const history = (await house.log.readStreams(['crate-hot7'])).filter(
      (e) => e.metadata.bulkJobId === job.id,
    );
    expect(history).toHaveLength(1);
    expect(writes).toBeGreaterThan(1);
    await proveFromLog(house, done);
  });

  test('one who is overtaken every time goes alone while holding the append lock', async () => {
    await house.stock(['always']);
    let overtaken = 0;
    let going = true;
    meanwhile = async () => {
      // Does not wait for the end: alone, the job holds the lock that this write waits for.
      if (!going) return;
      overtaken++;
      const write = house.run('move-crate', { crateId: 'always', to: `p${overtaken}` });
      await Promise.race([write, sleep(100)]);
    };
    const job = await house.start({ command: 'move-crate', input: { to: 'hall' }, targets: ['always'] });
    const done = await house.ended(job.id);
    going = false;
    expect(done).toMatchObject({ succeeded: 1 });
    expect(overtaken).toBe(6);
    await proveFromLog(house, done);
  });

  test('a chunk whose worker vanished is taken over when its lease has run out, and does nothing twice', async () => {
    const all = ids('vanish', 450);
    await house.stock(all);
    // The first round of some worker holds still for longer than the lease, as if its process were stopped.
    let held = 0;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    meanwhile = () => (held++ === 0 ? released : Promise.resolve());
    const job = await house.start({ command: 'move-crate', input: { to: 'hall' }, targets: all });
    while (held === 0) await sleep(10);
    while (house.bulk.health().stalledMs < 100) await sleep(10);
    // Its signs of life end: what follows is what another process would see.
    const taken = async () =>
      (
        await db.app.query(
          `UPDATE bulk_chunks SET lease = 'stolen', lease_until = now() - interval '1 second'
        WHERE job_id = $1 AND state = 'pending'`,
          [job.id],
        )
      ).rowCount;
    expect(await taken()).toBe(1);
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ succeeded: 450 });
    release();
    while (house.bulk.health().chunksInHand > 0) await sleep(10);
    expect(house.bulk.health().stalledMs).toBe(0);
    await sleep(200);
    await proveFromLog(house, await house.bulk.jobs.get({ principal: ann, id: job.id }));
  });

  test('connections of the database that die mid-job cost a retry, not an item', async () => {
    const all = ids('severed', 4_000);
    const text = ['crateId,weight', ...all.map((id) => `${id},1`)].join('\n');
    const job = await house.upload({ command: 'pack-crate' }, text);
    const superuser = new pg.Client(db.superuserUrl);
    await superuser.connect();
    let killed = 0;
    for (let n = 0; n < 5; n++) {
      await house
        .until(job.id, ({ succeeded, finishedAt }) => succeeded >= (n + 1) * 300 || finishedAt !== null)
        .catch(() => undefined);
      const { rowCount } = await superuser.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND application_name = 'test-app' AND state <> 'idle'`,
        [db.name],
      );
      killed += rowCount ?? 0;
      await sleep(50);
    }
    await superuser.end();
    expect(killed).toBeGreaterThan(0);
    let done = undefined as Awaited<ReturnType<House['ended']>> | undefined;
    while (done === undefined) done = await house.ended(job.id).catch(() => undefined);
    expect(done).toMatchObject({ state: 'completed', succeeded: 4_000 });
    await proveFromLog(house, done);
  });

  test('a stopped process finishes its round and gives its chunks back; another goes on', async () => {
    const all = ids('stop', 4_000);
    const other = await openHouse({ db });
    const job = await house.upload(
      { command: 'pack-crate' },
      ['crateId,weight', ...all.map((id) => `${id},1`)].join('\n'),
    );
    await house.until(job.id, ({ succeeded }) => succeeded > 0);
    await house.bulk.stop();
    const { rows } = await db.app.query(
      'SELECT count(*)::int AS n FROM bulk_chunks WHERE job_id = $1 AND lease IS NOT NULL AND state = $2',
      [job.id, 'pending'],
    );
    expect(rows[0]?.n).toBe(0);
    await other.bulk.start();
    const done = await other.ended(job.id);
    expect(done).toMatchObject({ succeeded: 4_000 });
    await proveFromLog(other, done);
    await other.close();
  });
});

describeWhere(redisServer, 'Redis lost during a bulk job', () => {
  let db: TestDatabase;
  let redis: TestRedis;
  let house: House;
  beforeAll(async () => {
    db = await testDatabase();
    redis = (await startRedis()) as TestRedis;
    house = await openHouse({ db, redisUrl: redis.url });
    await house.bulk.start();
  });
  afterAll(async () => {
    await house.close();
    await redis.stop();
    await db.drop();
  });

  const large = (prefix: string, count: number): string =>
    ['crateId,weight', ...ids(prefix, count).map((id) => `${id},1`)].join('\n');

  test('flushed again and again, the job ends and every item took effect once', async () => {
    const { Redis } = await import('ioredis');
    const admin = new Redis(redis.url);
    const job = await house.upload({ command: 'pack-crate' }, large('flush', 6_000));
    let flushes = 0;
    const flushing = setInterval(() => {
      flushes++;
      void admin.flushall();
    }, 100);
    const done = await house.ended(job.id);
    clearInterval(flushing);
    admin.disconnect();
    expect(flushes).toBeGreaterThan(0);
    expect(done).toMatchObject({ state: 'completed', succeeded: 6_000 });
    await proveFromLog(house, done);
  });

  test('gone and back again, empty, work resumes by itself', async () => {
    const job = await house.upload({ command: 'pack-crate' }, large('gone', 6_000));
    await house.until(job.id, ({ succeeded }) => succeeded > 0);
    await redis.stop();
    while (house.bulk.health().queueReachable) await sleep(50);
    redis = (await startRedis(redis.port)) as TestRedis;
    const done = await house.ended(job.id);
    expect(done).toMatchObject({ state: 'completed', succeeded: 6_000 });
    await proveFromLog(house, done);
    expect(house.bulk.health().queueReachable).toBe(true);
  });
});
