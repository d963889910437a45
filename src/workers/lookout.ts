/**
 * Looks for work on start, when woken and every second, never twice at a time. After failures the pauses
 * grow, and waking does not shorten them.
 */
import type { OnError } from './ports.ts';

export interface Lookout {
  start(): void;
  wake(): void;
  /** Resolves when a look under way has ended. */
  stop(): Promise<void>;
}

interface Options {
  readonly look: () => Promise<void>;
  readonly onError: OnError;
  readonly doing: string;
  /** At least so long between the end of a look and the beginning of the next. */
  readonly restMs?: number;
}

export const pollMs = 1_000;
const pauseMsMax = 10_000;

export const createLookout = ({ look, onError, doing, restMs = 0 }: Options): Lookout => {
  let stopped = true;
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;

  const run = async (): Promise<void> => {
    again = false;
    try {
      await look();
      failures = 0;
    } catch (error) {
      failures++;
      onError(error, doing);
    }
  };

  const schedule = (): void => {
    if (stopped) return;
    const hurry = again && failures === 0;
    timer = setTimeout(tick, hurry ? restMs : Math.min(pollMs * 2 ** Math.min(failures, 4), pauseMsMax));
  };

  const tick = (): void => {
    clearTimeout(timer);
    if (stopped) return;
    running = run().finally(() => {
      running = undefined;
      schedule();
    });
  };

  return {
    start() {
      stopped = false;
      tick();
    },
    wake() {
      // While something is away, waking does not hurry: the pauses between attempts grow.
      if (stopped || failures > 0 || again) return;
      again = true;
      if (running !== undefined) return;
      clearTimeout(timer);
      timer = setTimeout(tick, restMs);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};
