/** Two sides in order of their keys, side by side: what is on both, and what is on one alone. Bounded memory. */

export interface Pair<Row> {
  readonly key: string;
  readonly ours: Row | undefined;
  readonly theirs: Row | undefined;
}

/** As PostgreSQL's COLLATE "C" has it: by the bytes of the text, which for code units beyond the BMP differs. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

class Side<Row> {
  readonly #rows: AsyncIterator<Row>;
  readonly #keyOf: (row: Row) => string;
  readonly #name: string;
  #last: string | undefined;
  row: Row | undefined;
  key: string | undefined;

  constructor(name: string, rows: AsyncIterator<Row>, keyOf: (row: Row) => string) {
    this.#name = name;
    this.#rows = rows;
    this.#keyOf = keyOf;
  }

  async advance(): Promise<void> {
    const next = await this.#rows.next();
    this.row = next.done === true ? undefined : next.value;
    this.key = this.row === undefined ? undefined : this.#keyOf(this.row);
    if (this.key === undefined) return;
    // Out of order everything behind it would be taken for missing.
    if (this.#last !== undefined && compareKeys(this.#last, this.key) >= 0)
      throw new Error(`${this.#name} are not in ascending order of their keys: COLLATE "C"`);
    this.#last = this.key;
  }
}

export async function* merged<Row>(
  ours: AsyncIterable<Row>,
  theirs: AsyncIterable<Row>,
  keyOf: (row: Row) => string,
): AsyncGenerator<Pair<Row>> {
  const iterators = [ours[Symbol.asyncIterator](), theirs[Symbol.asyncIterator]()] as const;
  const left = new Side('our rows', iterators[0], keyOf);
  const right = new Side('the product’s rows', iterators[1], keyOf);
  try {
    await Promise.all([left.advance(), right.advance()]);
    while (left.key !== undefined || right.key !== undefined) {
      const order = orderOf(left.key, right.key);
      const key = (order <= 0 ? left.key : right.key) as string;
      yield { key, ours: order <= 0 ? left.row : undefined, theirs: order >= 0 ? right.row : undefined };
      await Promise.all([order <= 0 ? left.advance() : undefined, order >= 0 ? right.advance() : undefined]);
    }
  } finally {
    await Promise.all(iterators.map((one) => one.return?.()));
  }
}

const orderOf = (a: string | undefined, b: string | undefined): number => {
  if (a === undefined) return 1;
  return b === undefined ? -1 : compareKeys(a, b);
};
