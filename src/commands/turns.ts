/**
 * Turns: within this process, what concerns one key goes in a row, first come first served. A row that
 * nobody stands in takes no memory.
 */
export interface Turn {
  /** Resolves when all who came before have left; undefined where there is nobody. */
  readonly before: Promise<void> | undefined;
  /** To be called once, also by who gives up waiting: those behind still wait for those before. */
  readonly leave: () => void;
}

export interface Turns {
  join(key: string): Turn;
  /** Waits for its turn at every key; in one order for everybody, so that nobody waits for each other. */
  atAll<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>;
}

export const createTurns = (): Turns => {
  const rows = new Map<string, Promise<void>>();

  const join = (key: string): Turn => {
    const before = rows.get(key);
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const row = Promise.all([before, left]).then(() => {
      if (rows.get(key) === row) rows.delete(key);
    });
    rows.set(key, row);
    return { before, leave };
  };

  return {
    join,
    async atAll(keys, work) {
      const turns: Turn[] = [];
      try {
        for (const key of [...new Set(keys)].sort()) {
          const turn = join(key);
          turns.push(turn);
          if (turn.before !== undefined) await turn.before;
        }
        return await work();
      } finally {
        for (const { leave } of turns) leave();
      }
    },
  };
};
