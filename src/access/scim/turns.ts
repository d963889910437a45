/**
 * One provider's writes, one after the other: in this process by waiting, over processes by a lock of the
 * database. So at most one connection of the pool is held while the log, which needs others, is written.
 */
import type { Db, Tx } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import { lockDirectory } from '../sql/scim.ts';
import { ScimFault } from './fault.ts';

const waitingMax = 100;

export type InTurn = <T>(provider: string, work: (tx: Tx) => Promise<T>) => Promise<T>;

export const createTurns = (pool: Db): InTurn => {
  const last = new Map<string, Promise<unknown>>();
  let waiting = 0;
  return async (provider, work) => {
    if (waiting >= waitingMax) throw new ScimFault(429, 'Too much at once; try again in a moment.');
    waiting++;
    const before = last.get(provider) ?? Promise.resolve();
    const turn = before.then(() =>
      inTransaction(pool, async (tx) => {
        await tx.query({ ...lockDirectory, values: [provider] });
        return work(tx);
      }),
    );
    const ended = turn.then(
      () => undefined,
      () => undefined,
    );
    last.set(provider, ended);
    return turn.finally(() => {
      waiting--;
      if (last.get(provider) === ended) last.delete(provider);
    });
  };
};
