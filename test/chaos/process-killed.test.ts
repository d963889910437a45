/**
 * kill -9 of the whole process during a bulk job, at moments of chance, and a start on the same data
 * directory: the PostgreSQL that it left behind is dealt with, and the job ends as if nothing had been.
 */
import { describeWhere, redisServer } from '../setup/needs.ts';
import { startRedis, type TestRedis } from '../setup/redis.ts';
import {
  accounts,
  commandOf,
  doneOf,
  endOf,
  expectExactlyOnce,
  expectStatus,
  openAccounts,
  reach,
  startJob,
} from './accounts.ts';
import { Installation } from './installation.ts';
import { expectSameAnew } from './logged.ts';
import { longMs, playRounds } from './rounds.ts';

const onQueuesIn = (where: string, open: () => Promise<Installation>): void => {
  let installed: Installation;
  beforeAll(async () => {
    installed = await open();
    await openAccounts(installed);
  }, longMs);
  afterAll(() => installed?.close());

  test(
    'a start on the same data ends the job, every item exactly once, positions without a gap',
    async () => {
      await playRounds(`kill -9 of the process, queues in ${where}`, async ({ round, fraction }) => {
        const command = commandOf(round);
        const job = await startJob(installed, command);
        const seen = await reach(installed, job, Math.floor(fraction * accounts * 0.9));
        await installed.end('SIGKILL');
        const killedAt = new Date();
        await installed.start();
        expect(installed.output).toContain('Stopping the PostgreSQL of an earlier run');
        const ended = await endOf(installed, job);
        const outstanding = await expectExactlyOnce(installed, ended, killedAt);
        await expectStatus(installed, ended, command === 'suspend-account' ? 'suspended' : 'active');
        return { outstanding, told: `killed when ${doneOf(seen)} of ${accounts} were seen decided` };
      });
      await expectSameAnew(installed);
    },
    longMs,
  );
};

describe('kill -9 of the process during a bulk job, queues in PostgreSQL', () => {
  onQueuesIn('PostgreSQL', () => Installation.open());
});

describeWhere(redisServer, 'kill -9 of the process during a bulk job, queues in Redis', () => {
  let redis: TestRedis | undefined;
  onQueuesIn('Redis', async () => {
    redis = await startRedis();
    if (redis === undefined) throw new Error('redis-server is not there.');
    return Installation.open({ REDIS_URL: redis.url });
  });
  afterAll(() => redis?.stop());
});
