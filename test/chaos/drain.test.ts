/**
 * SIGTERM while everybody is at work: what was accepted is finished and answered, what was not is not
 * done, and the bulk job goes on where it stood at the next start.
 */
import { accounts, commandOf, endOf, expectExactlyOnce, openAccounts, reach, startJob } from './accounts.ts';
import { expectRefunds, payInvoices, type Refunding, startRefunding, told } from './refunds.ts';
import { playRounds } from './rounds.ts';
import { Service } from './service.ts';

const longMs = 20 * 60_000;

describe('SIGTERM during a bulk job and commands', () => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.open();
    await openAccounts(service);
    await payInvoices(service);
  }, longMs);
  afterAll(() => service?.close());

  test(
    'ends with code 0; after the next start the log holds what was answered and nothing else',
    async () => {
      const rounds: Refunding[] = [];
      await playRounds('SIGTERM', async ({ round, fraction }) => {
        const refunding = startRefunding(service, { insisting: false });
        rounds.push(refunding);
        const job = await startJob(service, commandOf(round));
        await reach(service, job, Math.floor(fraction * accounts * 0.7));
        expect(await service.end('SIGTERM')).toBe(0);
        const endedAt = new Date();
        await refunding.stop();
        await service.start();
        const ended = await endOf(service, job);
        const outstanding = await expectExactlyOnce(service, ended, endedAt);
        await expectRefunds(service, rounds);
        expect(refunding.done.size).toBeGreaterThan(0);
        return { outstanding, told: told(refunding) };
      });
    },
    longMs,
  );
});
