/**
 * Gathers what happens often and is to be recorded once a minute: things of one id are merged until they are
 * written. What cannot be written stays gathered, for the next time.
 */
export interface Gathering<T> {
  add(id: string, one: T): void;
  /** Writes what was gathered. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

interface Options<T> {
  readonly write: (gathered: T) => Promise<void>;
  readonly merge: (known: T, more: T) => T;
  /** Written at once, whatever the minute says. */
  readonly isFull: (gathered: T) => boolean;
  readonly onError: (error: unknown) => void;
  readonly gatherMs?: number;
}

export const createGathering = <T>(options: Options<T>): Gathering<T> => {
  const { write, merge, isFull, onError, gatherMs = 60_000 } = options;
  let gathered = new Map<string, T>();

  const put = (id: string, one: T): T => {
    const known = gathered.get(id);
    const merged = known === undefined ? one : merge(known, one);
    gathered.set(id, merged);
    return merged;
  };

  const writeOne = async (id: string, one: T): Promise<void> => {
    try {
      await write(one);
    } catch (error) {
      onError(error);
      put(id, one);
    }
  };

  let flushing: Promise<void> = Promise.resolve();
  const flush = (): Promise<void> => {
    const ready = gathered;
    gathered = new Map();
    flushing = Promise.all([flushing, ...[...ready].map(([id, one]) => writeOne(id, one))]).then(
      () => undefined,
    );
    return flushing;
  };

  const timer = setInterval(() => void flush(), gatherMs);
  timer.unref();

  return {
    add(id, one) {
      if (isFull(put(id, one))) void flush();
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
};
