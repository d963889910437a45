/**
 * Refunds of a cent, again and again: commands that no rule would hold back if one took effect twice.
 * Each goes on until it is answered, or once only where its end is to be told from its answer.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Who } from '../contract/running.ts';
import type { Installation } from './installation.ts';
import { logOf } from './logged.ts';

const writers = 8;
const invoices = Array.from({ length: writers }, (_, n) => `R-${n}`);
const who: Who = 'admin';

const command = async (installed: Installation, name: string, body: object): Promise<void> => {
  const answer = await installed.ask(who, { path: `/internal/v1/commands/${name}`, body });
  if (answer.status !== 200) throw new Error(`${name}: ${answer.status} ${answer.text}`);
};

/** Paid invoices to refund from. */
export const payInvoices = async (installed: Installation): Promise<void> => {
  const accountId = 'refunded';
  const terms = { plan: 'Fiber', contract: 'one-year', tenureMonths: 1 };
  const charges = { monthlyCharges: '1.00', totalCharges: '1.00' };
  await command(installed, 'open-account', { accountId, ...terms, ...charges });
  for (const invoiceId of invoices) {
    await command(installed, 'raise-invoice', {
      invoiceId,
      accountId,
      amount: '9000.00',
      dueOn: '2031-01-01',
    });
    await command(installed, 'settle-invoice', { invoiceId, amount: '9000.00', paidOn: '2030-12-01' });
  }
};

export interface Refunding {
  /** Command ids of those answered 200. */
  readonly done: ReadonlySet<string>;
  /** How often each other status was answered; 0: the connection was refused or broke. */
  readonly others: ReadonlyMap<number, number>;
  stop(): Promise<void>;
}

interface Options {
  /** Sends each again, with its idempotency key, until it is answered 200; else each is sent once. */
  readonly insisting: boolean;
}

export const startRefunding = (installed: Installation, { insisting }: Options): Refunding => {
  const done = new Set<string>();
  const others = new Map<number, number>();
  let going = true;

  const send = async (invoiceId: string, key: string): Promise<boolean> => {
    const answer = await installed
      .ask(who, {
        path: '/internal/v1/commands/refund-invoice',
        body: { invoiceId, amount: '0.01', reason: 'Chaos.' },
        headers: insisting ? { 'idempotency-key': key } : {},
      })
      .catch(() => undefined);
    if (answer?.status === 200) {
      done.add(String(answer.body.commandId));
      return true;
    }
    const status = answer?.status ?? 0;
    others.set(status, (others.get(status) ?? 0) + 1);
    await sleep(20);
    return false;
  };

  const write = async (invoiceId: string): Promise<void> => {
    while (going) {
      const key = crypto.randomUUID();
      while (!(await send(invoiceId, key)) && insisting);
    }
  };
  const writing = invoices.map(write);
  return {
    done,
    others,
    async stop() {
      going = false;
      await Promise.all(writing);
    },
  };
};

/** What was answered is in the log, and nothing else is, over all rounds so far. */
export const expectRefunds = async (installed: Installation, rounds: readonly Refunding[]): Promise<void> => {
  const refunds = (await logOf(installed)).filter(
    ({ stream, command: name }) => stream.startsWith('invoice-') && name === 'refund-invoice',
  );
  const answered = rounds.flatMap(({ done }) => [...done]);
  expect(refunds.map(({ commandId }) => String(commandId)).sort()).toEqual(answered.sort());
};

export const told = ({ done, others }: Refunding): string =>
  `${done.size} refunds answered${[...others].map(([status, times]) => `, ${times} times ${status === 0 ? 'no answer' : status}`).join('')}`;
