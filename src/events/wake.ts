/** Sleeping until called, told to stop, or tired: a call that comes while awake is not lost. */
export interface Wake {
  call(): void;
  /** Resolves at the next call, or at once where one came since the last sleep, or after `ms`. */
  sleep(ms: number): Promise<void>;
}

export const createWake = (): Wake => {
  let called = false;
  let wakeUp: (() => void) | undefined;
  return {
    call() {
      called = true;
      wakeUp?.();
    },
    async sleep(ms) {
      if (!called) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, ms);
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wakeUp = undefined;
      called = false;
    },
  };
};
