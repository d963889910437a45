/**
 * One run: both sides merged by key; what differs is looked at once more when whatever was under way has had the
 * time to arrive, and told only if it differs still.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProductRow, ReconciliationDefinition } from './definition.ts';
import { merged, type Pair } from './merging.ts';

export interface Difference {
  readonly key: string;
  /** Which side lacks the row; null: both have it. */
  readonly missing: 'here' | 'product' | null;
  /** Fields that differ, with what each side has. */
  readonly fields: Readonly<Record<string, { readonly ours: unknown; readonly theirs: unknown }>>;
}

export interface Sides {
  readonly keyField: string;
  /** All rows of the projection, by key. */
  readonly all: () => Promise<AsyncIterable<ProductRow>>;
  readonly find: (keys: readonly string[]) => Promise<readonly ProductRow[]>;
}

export interface Compared {
  readonly compared: number;
  readonly differing: number;
}

interface Ends {
  readonly signal: AbortSignal;
  /** Told now and then how many keys were looked at. */
  readonly onProgress: (compared: number) => Promise<void>;
  readonly onDifferences: (differences: readonly Difference[]) => Promise<void>;
}

/** Looked at together for the second time; and in all, so that two sides that have nothing in common end as well. */
const againTogether = 500;
const differencesMax = 10_000;
const progressEvery = 5_000;

const differenceOf = (
  { fields, same }: ReconciliationDefinition,
  keyField: string,
  { key, ours, theirs }: Pair<ProductRow>,
): Difference | undefined => {
  if (ours === undefined) return { key, missing: 'here', fields: {} };
  if (theirs === undefined) return { key, missing: 'product', fields: {} };
  const differing = fields.filter((name) => name !== keyField && !same(name, ours[name], theirs[name]));
  if (differing.length === 0) return undefined;
  const entries = differing.map((name) => [name, { ours: ours[name] ?? null, theirs: theirs[name] ?? null }]);
  return { key, missing: null, fields: Object.fromEntries(entries) };
};

async function* flattened<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}

export const compare = async (
  definition: ReconciliationDefinition,
  { keyField, all, find }: Sides,
  { signal, onProgress, onDifferences }: Ends,
): Promise<Compared> => {
  const keyOf = (row: ProductRow): string => String(row[keyField]);
  const suspects: string[] = [];
  let compared = 0;
  for await (const pair of merged(await all(), flattened(definition.rows(signal)), keyOf)) {
    signal.throwIfAborted();
    compared++;
    if (differenceOf(definition, keyField, pair) !== undefined) suspects.push(pair.key);
    if (suspects.length >= differencesMax) break;
    if (compared % progressEvery === 0) await onProgress(compared);
  }
  if (suspects.length > 0) await sleep(definition.settleSeconds * 1_000, undefined, { signal });
  let differing = 0;
  for (let at = 0; at < suspects.length; at += againTogether) {
    const keys = suspects.slice(at, at + againTogether);
    const [ours, theirs] = await Promise.all([find(keys), definition.find(keys, signal)]);
    const [here, there] = [ours, theirs].map((rows) => new Map(rows.map((row) => [keyOf(row), row]))) as [
      Map<string, ProductRow>,
      Map<string, ProductRow>,
    ];
    const found = keys.flatMap((key) => {
      const pair = { key, ours: here.get(key), theirs: there.get(key) };
      // Gone on both sides meanwhile.
      if (pair.ours === undefined && pair.theirs === undefined) return [];
      return differenceOf(definition, keyField, pair) ?? [];
    });
    await onDifferences(found);
    await onProgress(compared);
    differing += found.length;
  }
  return { compared, differing };
};
