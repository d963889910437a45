/**
 * Which items of an ended job an upload with corrections may be about. A row names its item by the
 * command's target, or by the item's index or line; each item may be corrected once. Kept as 44 bits of a
 * hash and 20 for the item's place, with a count 12 bytes an item, because a job may have a million of them.
 */
import { createHash } from 'node:crypto';

export const matches = ['target', 'index', 'line'] as const;

export type Match = (typeof matches)[number];

const placeBits = 20;

/** In place of one that is not known; no job has so many items. */
const noPlace = 2 ** placeBits - 1;

/** The upper half of an entry, and what the lower one has of the hash above the place. */
const hashOf = (name: string): readonly [number, number] => {
  const digest = createHash('sha1').update(name).digest();
  return [digest.readUInt32BE(0), digest.readUInt32BE(4) >>> placeBits];
};

export interface Names {
  /** `place`: what taking it answers. */
  add(name: string, place: number | undefined): void;
  /** After all were added. */
  close(): OpenNames;
}

export interface OpenNames {
  /** Takes one of that name away, the lowest place first; undefined: there is none (left). */
  take(name: string): { readonly place: number | undefined } | undefined;
}

export const createNames = (): Names => {
  let entries = new BigUint64Array(1_024);
  let used = 0;
  return {
    add(name, place = noPlace) {
      if (used === entries.length) {
        const longer = new BigUint64Array(used * 2);
        longer.set(entries);
        entries = longer;
      }
      const [high, low] = hashOf(name);
      entries[used++] = (BigInt(high) << 32n) | BigInt(low * 2 ** placeBits + place);
    },
    close: () => openNames(entries.subarray(0, used).sort()),
  };
};

/** The same hash several times in a row: as many items of that name. */
const openNames = (sorted: BigUint64Array): OpenNames => {
  const taken = new Uint32Array(sorted.length);
  const firstOf = (hash: bigint): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as bigint) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    take(name) {
      const [high, low] = hashOf(name);
      const hash = (BigInt(high) << 32n) | BigInt(low * 2 ** placeBits);
      const first = firstOf(hash);
      const entry = sorted[first + (taken[first] ?? 0)];
      if (entry === undefined || entry - hash > BigInt(noPlace)) return undefined;
      taken[first] = (taken[first] as number) + 1;
      const place = Number(entry - hash);
      return { place: place === noPlace ? undefined : place };
    },
  };
};
