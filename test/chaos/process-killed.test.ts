/**
 * kill -9 of the whole process during a bulk job, at moments of chance, and a start on the same data
 * directory: the PostgreSQL that it left behind is dealt with, and the job ends as if nothing had been.
 */
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
import { playRounds } from './rounds.ts';
import { Service } from './service.ts';

const longMs = 20 * 60_000;

describe('kill -9 of the process during a bulk job', () => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.open();
    await openAccounts(service);
  }, longMs);
  afterAll(() => service?.close());

  test(
    'a start on the same data ends the job, every item exactly once, positions without a gap',
    async () => {
      await playRounds('kill -9 of the process', async ({ round, fraction }) => {
        const command = commandOf(round);
        const job = await startJob(service, command);
        const seen = await reach(service, job, Math.floor(fraction * accounts * 0.9));
        await service.end('SIGKILL');
        const killedAt = new Date();
        await service.start();
        expect(service.output).toContain('Stopping the PostgreSQL of an earlier run');
        const ended = await endOf(service, job);
        const outstanding = await expectExactlyOnce(service, ended, killedAt);
        await expectStatus(service, ended, command === 'suspend-account' ? 'suspended' : 'active');
        return { outstanding, told: `killed when ${doneOf(seen)} of ${accounts} were seen decided` };
      });
    },
    longMs,
  );
});
