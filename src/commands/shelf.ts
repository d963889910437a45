/** Loaded streams by name and view: what is asked for together and is not there yet is loaded in one go. */
import type { EventLog, Loaded, LoadRequest } from '../events/log.ts';

const shelfKey = ({ stream, folding }: LoadRequest): string => `${folding.name} ${stream}`;

export const createShelf = (log: Pick<EventLog, 'load'>) => {
  const shelf = new Map<string, Loaded<object>>();
  return {
    async fetch(requests: readonly LoadRequest[]): Promise<void> {
      const missing = new Map(requests.map((r) => [shelfKey(r), r]));
      for (const key of missing.keys()) if (shelf.has(key)) missing.delete(key);
      const loaded = await log.load([...missing.values()]);
      [...missing.keys()].forEach((key, i) => {
        shelf.set(key, loaded[i] as Loaded<object>);
      });
    },
    async get(request: LoadRequest): Promise<Loaded<object>> {
      const key = shelfKey(request);
      if (!shelf.has(key)) await this.fetch([request]);
      return shelf.get(key) as Loaded<object>;
    },
    put(request: LoadRequest, loaded: Loaded<object>): void {
      shelf.set(shelfKey(request), loaded);
    },
    peek: (request: LoadRequest): Loaded<object> | undefined => shelf.get(shelfKey(request)),
    keyOf: shelfKey,
  };
};

export type Shelf = ReturnType<typeof createShelf>;
