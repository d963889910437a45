/**
 * Redis carries work and holds none: emptied, or killed and started again empty, during a bulk job, it
 * costs nothing but the time until the work is queued again.
 */
import { Redis } from 'ioredis';
import { describeWhere, redisServer } from '../setup/needs.ts';
import { startRedis, type TestRedis } from '../setup/redis.ts';
import { accounts, commandOf, endOf, expectExactlyOnce, openAccounts, reach, startJob } from './accounts.ts';
import { Installation } from './installation.ts';
import { expectSameAnew } from './logged.ts';
import { longMs, playRounds } from './rounds.ts';

describeWhere(redisServer, 'Redis lost during a bulk job', () => {
  let redis: TestRedis;
  let installed: Installation;
  let jobs = 0;
  beforeAll(async () => {
    redis = await startedRedis();
    installed = await Installation.open({ REDIS_URL: redis.url });
    await openAccounts(installed);
  }, longMs);
  afterAll(async () => {
    await installed?.close();
    await redis?.stop();
  });

  const startedRedis = async (port?: number): Promise<TestRedis> => {
    const started = await startRedis(port);
    if (started === undefined) throw new Error('redis-server is not there.');
    return started;
  };

  const playWith = async (what: string, fault: () => Promise<unknown>): Promise<void> => {
    await playRounds(what, async ({ fraction }) => {
      const job = await startJob(installed, commandOf(jobs++));
      await reach(installed, job, Math.floor(fraction * accounts * 0.7));
      await fault();
      const faultAt = new Date();
      const ended = await endOf(installed, job);
      const outstanding = await expectExactlyOnce(installed, ended, faultAt);
      return { outstanding, told: what };
    });
    await expectSameAnew(installed);
  };

  test(
    'FLUSHALL: every item takes effect exactly once',
    async () => {
      const client = new Redis(redis.url);
      await playWith('FLUSHALL', () => client.flushall());
      client.disconnect();
    },
    longMs,
  );

  test(
    'killed and started again, empty: every item takes effect exactly once',
    async () => {
      await playWith('redis-server killed and started again', async () => {
        await redis.stop();
        redis = await startedRedis(redis.port);
      });
    },
    longMs,
  );
});
