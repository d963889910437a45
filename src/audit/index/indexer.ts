/**
 * Keeps the audit index up to date with the log. One process leads; another takes over when it stops or dies.
 * Nothing waits for it: a search looks at what is not indexed yet itself.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { whileLeading } from '../../db/leader.ts';
import type { Db } from '../../db/pool.ts';
import type { EventLog } from '../../events/log.ts';
import { createWake } from '../../events/wake.ts';
import { type Advancing, Overtaken } from './advancing.ts';
import { failIndex } from './sql/audit-index.ts';

interface Options {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'onAppended'>;
  readonly advancing: Advancing;
  /** A direct connection for the leader's lock. */
  readonly leaderUrl: string;
  readonly onError: (error: unknown) => void;
  readonly logLine: (line: string) => void;
}

export interface Indexer {
  start(): void;
  /** Resolves when the step under way is committed and the lock given up. */
  stop(): Promise<void>;
}

const idleMs = 1_000;
/** From one look at the head to the next: under load a page then carries many events, and its cost is shared. */
const restMs = 200;
const retryMs = 2_000;

export const createIndexer = ({ pool, log, advancing, leaderUrl, onError, logLine }: Options): Indexer => {
  const wake = createWake();

  const pause = (ms: number, signal: AbortSignal): Promise<void> =>
    sleep(ms, undefined, { signal }).catch(() => undefined);

  const told = async (error: unknown): Promise<void> => {
    if (error instanceof Overtaken) return;
    onError(error);
    await pool.query({ ...failIndex, values: [String(error)] }).catch(() => undefined);
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    signal.addEventListener('abort', wake.call, { once: true });
    while (!signal.aborted) {
      try {
        const step = await advancing.step();
        if (step === 'to-head') await pause(restMs, signal);
        if (step === 'nothing') await wake.sleep(idleMs);
      } catch (error) {
        await told(error);
        await pause(retryMs, signal);
      }
    }
  };

  const led = whileLeading({ url: leaderUrl, key: 'audit index', log: logLine, run });
  let unsubscribe: (() => void) | undefined;
  return {
    start() {
      unsubscribe = log.onAppended(wake.call);
      led.start();
    },
    async stop() {
      unsubscribe?.();
      await led.stop();
    },
  };
};
