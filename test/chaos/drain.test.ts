/**
 * SIGTERM while everybody is at work: what was accepted is finished and answered, what was not is not
 * done, and the bulk job goes on where it stood at the next start.
 */
import { accounts, commandOf, endOf, expectExactlyOnce, openAccounts, reach, startJob } from './accounts.ts';
import { Installation } from './installation.ts';
import { expectRefunds, payInvoices, type Refunding, startRefunding, told } from './refunds.ts';
import { playRounds } from './rounds.ts';

const longMs = 20 * 60_000;

describe('SIGTERM during a bulk job and commands', () => {
  let installed: Installation;
  beforeAll(async () => {
    installed = await Installation.open();
    await openAccounts(installed);
    await payInvoices(installed);
  }, longMs);
  afterAll(() => installed?.close());

  test(
    'ends with code 0; after the next start the log holds what was answered and nothing else',
    async () => {
      const rounds: Refunding[] = [];
      await playRounds('SIGTERM', async ({ round, fraction }) => {
        const refunding = startRefunding(installed, { insisting: false });
        rounds.push(refunding);
        const job = await startJob(installed, commandOf(round));
        await reach(installed, job, Math.floor(fraction * accounts * 0.7));
        expect(await installed.end('SIGTERM')).toBe(0);
        const endedAt = new Date();
        await refunding.stop();
        await installed.start();
        const ended = await endOf(installed, job);
        const outstanding = await expectExactlyOnce(installed, ended, endedAt);
        await expectRefunds(installed, rounds);
        expect(refunding.done.size).toBeGreaterThan(0);
        return { outstanding, told: told(refunding) };
      });
    },
    longMs,
  );
});
