/**
 * Runs something after it was asked for, never twice at once and at most once per interval. Asking while
 * it runs or rests makes it run once more afterwards: nothing that was asked for is forgotten, and ten
 * askings become one run that sees the newest state.
 */
export interface Pace {
  ask(): void;
  stop(): void;
}

export const paced = (intervalMs: number, run: () => Promise<void>): Pace => {
  let asked = false;
  let busy = false;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;

  const rest = () => {
    timer = setTimeout(() => {
      busy = false;
      if (asked) start();
    }, intervalMs);
    timer.unref();
  };
  const start = () => {
    asked = false;
    busy = true;
    void run().finally(() => {
      if (!stopped) rest();
    });
  };
  return {
    ask: () => {
      asked = true;
      if (!busy && !stopped) start();
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
};
