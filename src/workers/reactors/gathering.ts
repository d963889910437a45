/**
 * Gathers what many ask for at the same time into one statement: while one is under way, those that come
 * wait and go together in the next.
 */
export type Gathered<Item, Result> = (item: Item) => Promise<Result>;

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

const togetherMax = 500;

/** `ask` answers for each item, in order. */
export const createGathering = <Item, Result>(
  ask: (items: readonly Item[]) => Promise<readonly Result[]>,
): Gathered<Item, Result> => {
  const waiting: Waiting<Item, Result>[] = [];
  let asking = false;

  const next = async (): Promise<void> => {
    const now = waiting.splice(0, togetherMax);
    try {
      const results = await ask(now.map(({ item }) => item));
      for (const [n, { resolve }] of now.entries()) resolve(results[n] as Result);
    } catch (error) {
      for (const { reject } of now) reject(error);
    }
  };

  const drain = async (): Promise<void> => {
    asking = true;
    while (waiting.length > 0) await next();
    asking = false;
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      // What is asked for in the same turn goes together from the first statement on.
      if (!asking) {
        asking = true;
        setImmediate(() => void drain());
      }
    });
};
