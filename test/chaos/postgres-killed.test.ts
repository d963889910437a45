/**
 * kill -9 of PostgreSQL under a living Quarterdeck, which starts it again, during a bulk job and beside
 * it commands whose senders insist.
 */
import { accounts, commandOf, endOf, expectExactlyOnce, openAccounts, reach, startJob } from './accounts.ts';
import { expectRefunds, payInvoices, type Refunding, startRefunding, told } from './refunds.ts';
import { playRounds } from './rounds.ts';
import { Service } from './service.ts';

const longMs = 20 * 60_000;

describe('kill -9 of PostgreSQL during a bulk job', () => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.open();
    await openAccounts(service);
    await payInvoices(service);
  }, longMs);
  afterAll(() => service?.close());

  test(
    'loses nothing and doubles nothing, of the job and of commands sent again with their key',
    async () => {
      const rounds: Refunding[] = [];
      await playRounds('kill -9 of PostgreSQL', async ({ round, fraction }) => {
        const refunding = startRefunding(service, { insisting: true });
        rounds.push(refunding);
        const job = await startJob(service, commandOf(round));
        await reach(service, job, Math.floor(fraction * accounts * 0.9));
        process.kill(await service.postmaster(), 'SIGKILL');
        const killedAt = new Date();
        const ended = await endOf(service, job);
        await refunding.stop();
        const outstanding = await expectExactlyOnce(service, ended, killedAt);
        await expectRefunds(service, rounds);
        // A database that is away is no fault of the program.
        expect([...refunding.others.keys()].filter((status) => status !== 503)).toEqual([]);
        return { outstanding, told: told(refunding) };
      });
      expect(service.output).toContain('PostgreSQL ended unexpectedly; starting it again');
    },
    longMs,
  );
});
