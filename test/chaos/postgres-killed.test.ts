/**
 * kill -9 of PostgreSQL under a living Quarterdeck, which starts it again, during a bulk job and beside
 * it commands whose senders insist.
 */
import { accounts, commandOf, endOf, expectExactlyOnce, openAccounts, reach, startJob } from './accounts.ts';
import { Installation } from './installation.ts';
import { expectSameAnew } from './logged.ts';
import { expectRefunds, payInvoices, type Refunding, startRefunding, told } from './refunds.ts';
import { longMs, playRounds } from './rounds.ts';

describe('kill -9 of PostgreSQL during a bulk job', () => {
  let installed: Installation;
  beforeAll(async () => {
    installed = await Installation.open();
    await openAccounts(installed);
    await payInvoices(installed);
  }, longMs);
  afterAll(() => installed?.close());

  test(
    'loses nothing and doubles nothing, of the job and of commands sent again with their key',
    async () => {
      const rounds: Refunding[] = [];
      await playRounds('kill -9 of PostgreSQL', async ({ round, fraction }) => {
        const refunding = startRefunding(installed, { insisting: true });
        rounds.push(refunding);
        const job = await startJob(installed, commandOf(round));
        await reach(installed, job, Math.floor(fraction * accounts * 0.9));
        process.kill(await installed.postmaster(), 'SIGKILL');
        const killedAt = new Date();
        const ended = await endOf(installed, job);
        await refunding.stop();
        const outstanding = await expectExactlyOnce(installed, ended, killedAt);
        await expectRefunds(installed, rounds);
        // A database that is away is no fault of the program.
        expect([...refunding.others.keys()].filter((status) => status !== 503)).toEqual([]);
        return { outstanding, told: told(refunding) };
      });
      await expectSameAnew(installed);
      expect(installed.output).toContain('PostgreSQL ended unexpectedly; starting it again');
    },
    longMs,
  );
});
