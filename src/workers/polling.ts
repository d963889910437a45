/**
 * Looking again and again for what is to be done: on start, when woken and every so often. Looks never
 * overlap; one that is asked for during another follows it. After faults the pauses grow, and waking does
 * not shorten them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { OnError } from './ports.ts';

interface Options {
  readonly look: () => Promise<void>;
  readonly everyMs: number;
  /** From the beginning of a look to the next at least: a busy log wakes hundreds of times a second. */
  readonly restMs?: number;
  readonly onError: OnError;
  readonly doing: string;
}

export interface Polling {
  start(): void;
  wake(): void;
  /** Resolves when the look under way has ended. */
  stop(): Promise<void>;
}

const pauseMsMax = 10_000;

export const createPolling = ({ look, everyMs, restMs = 0, onError, doing }: Options): Polling => {
  let stopped = true;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let stopping = new AbortController();

  const rest = async (): Promise<void> => {
    const ms = lookedAt + restMs - performance.now();
    if (ms > 0) await sleep(ms, undefined, { signal: stopping.signal }).catch(() => undefined);
  };

  const run = async (): Promise<void> => {
    do {
      await rest();
      if (stopped) return;
      lookedAt = performance.now();
      again = false;
      try {
        await look();
        failures = 0;
      } catch (error) {
        failures++;
        onError(error, doing);
      }
    } while (again && !stopped && failures === 0);
  };

  const schedule = (): void => {
    if (stopped) return;
    timer = setTimeout(tick, Math.min(everyMs * 2 ** Math.min(failures, 4), pauseMsMax));
  };

  const tick = (): void => {
    clearTimeout(timer);
    if (stopped) return;
    if (running !== undefined) {
      again = true;
      return;
    }
    running = run().finally(() => {
      running = undefined;
      schedule();
    });
  };

  return {
    start() {
      stopped = false;
      stopping = new AbortController();
      tick();
    },
    wake() {
      if (failures === 0) tick();
    },
    async stop() {
      stopped = true;
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
};
