/**
 * Remembers for at most a second which token is whose, so that commands are not bound by a SELECT each.
 * What is forgotten is forgotten at once, also where a read of the same session is under way: what that
 * read brings is handed to its caller but not remembered. While notifications cannot be heard, nothing
 * is remembered at all.
 */
import { LRUCache } from 'lru-cache';

export interface SessionCache<Entry extends object> {
  /** What `read` says about the key, read once for everybody who asks at the same time. */
  get(key: string, read: () => Promise<Entry | undefined>): Promise<Entry | undefined>;
  forget(key: string): void;
  forgetAll(): void;
}

const entriesMax = 50_000;

/** `heard`: whether notifications arrive now. */
export const createSessionCache = <Entry extends object>(
  ttlMs: number,
  heard: () => boolean,
): SessionCache<Entry> => {
  const entries = new LRUCache<string, Entry>({ max: entriesMax, ttl: ttlMs });
  const underWay = new Map<string, Promise<Entry | undefined>>();
  let generation = 0;

  const forgetAll = () => {
    generation++;
    entries.clear();
    underWay.clear();
  };

  const readOnce = async (
    key: string,
    read: () => Promise<Entry | undefined>,
  ): Promise<Entry | undefined> => {
    const begun = generation;
    const entry = await read();
    if (entry !== undefined && heard() && begun === generation) entries.set(key, entry);
    return entry;
  };

  return {
    get: (key, read) => {
      if (!heard()) return read();
      const known = entries.get(key);
      if (known !== undefined) return Promise.resolve(known);
      const reading = underWay.get(key);
      if (reading !== undefined) return reading;
      const begun = readOnce(key, read).finally(() => {
        if (underWay.get(key) === begun) underWay.delete(key);
      });
      underWay.set(key, begun);
      return begun;
    },
    forget: (key) => {
      generation++;
      entries.delete(key);
      underWay.delete(key);
    },
    forgetAll,
  };
};
