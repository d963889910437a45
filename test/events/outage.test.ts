import { setTimeout as sleep } from 'node:timers/promises';
import { createPool, type Db } from '../../src/db/pool.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { createCodec } from '../../src/events/codec.ts';
import { createEventLog, type RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { createRegistry } from '../../src/events/registry.ts';
import { type TestDatabase, testDatabase } from '../setup/database.ts';
import { type Proxy as Network, startProxy } from '../setup/proxy.ts';
import { until } from '../setup/until.ts';
import { add, counting, definitions, masterKey, openLog } from './testbed.ts';

describe('when the database goes away', () => {
  let db: TestDatabase;
  let proxy: Network;
  let pool: Db;
  let log: RunningLog;
  let sees: RunningLog;
  beforeEach(async () => {
    db = await testDatabase();
    proxy = await startProxy(db.applicationUrl);
    pool = createPool({ url: proxy.url, max: 6, onError: () => undefined });
    log = await openLog(pool);
    sees = await openLog(db.app);
  });
  afterEach(async () => {
    await log.stop();
    await sees.stop();
    await pool.end();
    await proxy.stop();
    await db.drop();
  });

  const allEvents = async () => (await sees.read({ after: 0, limit: 10_000 })).events;
  const waitsForLock = () =>
    until(async () => {
      const { rows } = await db.owner.query(
        `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 1
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      );
      return rows.length > 0;
    });

  test('a connection cut while its batch waits for the append lock: the abandoned batch never commits', async () => {
    let appended: Promise<unknown> = Promise.resolve();
    await inTransaction(db.owner, async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(7400, 1)');
      appended = Promise.all([log.append(add('$any', 'any')), log.append(add('counter-a', 0))]);
      await waitsForLock();
      proxy.cut();
      await sleep(300);
    });
    expect(await appended).toMatchObject([{ accepted: true }, { accepted: true }]);
    await sleep(300);
    expect((await allEvents()).map((e) => e.stream).sort()).toEqual(['$any', 'counter-a']);
  });

  test('behind a pooler, where the backend is not known, nothing is sent again: the outcome is said to be unknown', async () => {
    // A pooler gives its clients another process id than that of the backend that serves them.
    pool.on('connect', (client) => Object.assign(client, { processID: 1 }));
    const [found] = await Promise.all([
      log.append(add('counter-a', 0)),
      proxy.cutBeforeAnswerTo('append_units'),
    ]);
    expect(found).toMatchObject({ accepted: true, events: [{ position: 1 }] });
    let appended: Promise<unknown> = Promise.resolve();
    await inTransaction(db.owner, async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(7400, 1)');
      appended = expect(log.append(add('$any', 'any'))).rejects.toMatchObject({
        code: 'unavailable',
        message: expect.stringMatching(/not known yet/),
      });
      await waitsForLock();
      proxy.cut();
      await appended;
    });
    await sleep(300);
    expect((await allEvents()).length).toBeLessThanOrEqual(2);
    expect(await log.append(add('counter-a', 1))).toMatchObject({ accepted: true });
  });

  test('all sessions ended again and again under load: each unit is appended exactly once, without a gap', async () => {
    let under = true;
    const superuser = createPool({ url: db.superuserUrl, max: 1, onError: () => undefined });
    const storm = async () => {
      for (let n = 0; n < 5; n++) {
        await sleep(100);
        await superuser.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid()`,
        );
      }
      under = false;
    };
    let units = 0;
    const client = async () => {
      while (under) {
        units++;
        expect(await log.append(add('$any', 'any'))).toMatchObject({ accepted: true });
      }
    };
    await Promise.all([storm(), ...Array.from({ length: 20 }, client)]);
    await superuser.end();
    const all = await allEvents();
    expect(all.length).toBe(units);
    expect(all.map((e) => e.position)).toEqual(all.map((_, i) => i + 1));
  });

  test('a server that cannot be reached and comes back: what was asked meanwhile is carried out', async () => {
    await log.append(add('counter-a', 0));
    const { port } = new URL(proxy.url);
    await proxy.stop();
    const appended = Promise.all([log.append(add('counter-a', 1)), log.append(add('counter-b', 0))]);
    const loaded = log.load([{ stream: 'counter-a', folding: counting }]);
    await sleep(500);
    proxy = await startProxy(db.applicationUrl, Number(port));
    expect(await appended).toMatchObject([{ accepted: true }, { accepted: true }]);
    expect((await loaded)[0]?.version).toBeGreaterThanOrEqual(1);
    expect((await allEvents()).length).toBe(3);
  });

  test('a server that stays away: everybody is told that nothing was carried out, and it was not', async () => {
    const { port } = new URL(proxy.url);
    await proxy.stop();
    const results = await Promise.allSettled(
      Array.from({ length: 1_000 }, (_, n) => log.append(add(`counter-${n}`, 0))),
    );
    for (const result of results) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: {
          code: 'unavailable',
          retryAfterSeconds: 5,
          message: expect.stringMatching(/not carried out|not known yet/),
        },
      });
    }
    expect(results.at(-1)).toMatchObject({ reason: { message: expect.stringMatching(/not carried out/) } });
    await expect(log.load([{ stream: 'counter-a', folding: counting }])).rejects.toMatchObject({
      code: 'unavailable',
    });
    proxy = await startProxy(db.applicationUrl, Number(port));
    expect(await log.append(add('counter-0', 0))).toMatchObject({ accepted: true });
    expect((await allEvents()).length).toBe(1);
  });

  test('a socket cut between COMMIT and its answer doubles nothing that was decided under the append lock', async () => {
    const cut = proxy.cutBeforeAnswerTo('COMMIT');
    const [outcome] = await Promise.all([log.appendDecided(async () => add('$any', 'any')), cut]);
    expect(outcome).toMatchObject({ accepted: true, events: [{ position: 1, version: 1 }] });
    expect((await allEvents()).length).toBe(1);
  });

  test('what is told of a batch after its commit may throw, and the batch is not sent again', async () => {
    const errors: unknown[] = [];
    const told = createEventLog({
      pool: db.app,
      registry: createRegistry(definitions),
      codec: createCodec(createKeyRing(db.app, masterKey)),
      onError: (error) => errors.push(error),
      onBatch: () => {
        throw new Error('a metric that fails');
      },
    });
    await Promise.all([told.append(add('$any', 'any')), told.append(add('$any', 'any'))]);
    expect((await allEvents()).length).toBe(2);
    expect(errors.length).toBeGreaterThan(0);
    await told.stop();
  });
});
