/**
 * Fills a queue with what PostgreSQL says is unfinished, and tells the truth about it: whether it answers,
 * and whether it delivers what it holds. A consumer that went deaf is made anew.
 */
import type { OnError } from './ports.ts';
import type { Queued, Queues } from './queues.ts';

export interface Filling<Data> {
  /** @throws when the queue is away; `giveBack` was called then. */
  add(jobs: readonly Queued<Data>[], giveBack: () => Promise<unknown>): Promise<void>;
  /** To be called with nothing to add, so that readiness tells of a queue that went away meanwhile. */
  ping(): Promise<void>;
  /** `again`: among what was just added was something that had been added before and that nobody took. */
  listen(added: number, again: boolean): Promise<void>;
  /** The queue answered when it was last asked. */
  reachable(): boolean;
}

interface Options<Data> {
  readonly queues: Pick<Queues<Data>, 'add' | 'ping' | 'restart'>;
  readonly onError: OnError;
  /** Nothing is in hand here and nothing was delivered for a while. */
  readonly idleMs: () => number;
}

const pingMs = 2_000;
/** Work that was queued, not taken and queued again, while this process sat idle: its consumer is deaf. */
const deafAfterLooks = 3;
const deafIdleMs = 10_000;

export const createFilling = <Data>({ queues, onError, idleMs }: Options<Data>): Filling<Data> => {
  let reachable = true;
  let askedAt = 0;
  let deafLooks = 0;

  return {
    async add(jobs, giveBack) {
      askedAt = Date.now();
      try {
        await queues.add(jobs);
        reachable = true;
      } catch (error) {
        reachable = false;
        await giveBack();
        throw error;
      }
    },
    async ping() {
      if (Date.now() - askedAt < pingMs) return;
      askedAt = Date.now();
      reachable = await queues.ping().then(
        () => true,
        () => false,
      );
    },
    async listen(added, again) {
      const unheard = again && idleMs() > deafIdleMs;
      deafLooks = unheard ? deafLooks + 1 : added > 0 ? 0 : deafLooks;
      if (deafLooks < deafAfterLooks) return;
      deafLooks = 0;
      onError(
        new Error('the queue holds work that is not delivered'),
        'taking jobs from the queue; the consumer is made anew',
      );
      await queues.restart();
    },
    reachable: () => reachable,
  };
};
