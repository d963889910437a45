/**
 * Which items of an ended job an upload with corrections may be about. A row names its item by the
 * command's target, or by the item's index or line; each item may be corrected once. Kept as 48 bits of a
 * hash and a count, 12 bytes an item, because a job may have a million of them.
 */
import { createHash } from 'node:crypto';

export const matches = ['target', 'index', 'line'] as const;

export type Match = (typeof matches)[number];

const hashBytes = 6;

const hashOf = (name: string): number => createHash('sha1').update(name).digest().readUIntBE(0, hashBytes);

export interface Names {
  add(name: string): void;
  /** After all were added. */
  close(): OpenNames;
}

export interface OpenNames {
  /** Takes one of that name away; false: there is none (left). */
  take(name: string): boolean;
}

export const createNames = (): Names => {
  let hashes = new Float64Array(1_024);
  let used = 0;
  return {
    add(name) {
      if (used === hashes.length) {
        const longer = new Float64Array(used * 2);
        longer.set(hashes);
        hashes = longer;
      }
      hashes[used++] = hashOf(name);
    },
    close: () => openNames(hashes.subarray(0, used).sort()),
  };
};

/** The same hash several times in a row: as many items of that name. */
const openNames = (sorted: Float64Array): OpenNames => {
  const taken = new Uint32Array(sorted.length);
  const firstOf = (hash: number): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as number) < hash) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    take(name) {
      const hash = hashOf(name);
      const first = firstOf(hash);
      const next = first + (taken[first] ?? 0);
      if (sorted[next] !== hash) return false;
      taken[first] = (taken[first] as number) + 1;
      return true;
    },
  };
};
