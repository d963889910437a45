/**
 * The Merkle tree of RFC 6962 / 9162 over SHA-256. A leaf's hash is H(0x00 ‖ entry), a node's H(0x01 ‖ left ‖
 * right); a tree of n leaves splits at the largest power of two below n, and an odd leaf is never doubled.
 *
 * Indexes are numbers up to 2^53 and are halved by division, never by 32-bit shifts.
 */
import { createHash, hash } from 'node:crypto';

export const hashBytes = 32;

/** A complete subtree: `level` 0 is a leaf; `index` counts the subtrees of that level from the left. */
export interface Subtree {
  readonly level: number;
  readonly index: number;
}

export const emptyRoot = (): Buffer => createHash('sha256').digest();

export const leafHash = (entry: Buffer | string): Buffer =>
  typeof entry === 'string'
    ? hash('sha256', `\0${entry}`, 'buffer')
    : createHash('sha256').update('\0').update(entry).digest();

/** In base64: a string costs less than half of what a Buffer does, which counts where a whole log is hashed. */
export const leafHash64 = (entry: string): string => hash('sha256', `\0${entry}`, 'base64');

const pair = Buffer.alloc(1 + 2 * hashBytes, 1);

export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => {
  pair.set(left, 1);
  pair.set(right, 1 + hashBytes);
  return Buffer.from(hash('sha256', pair, 'binary'), 'binary');
};

/** Of the complete subtree over these leaves, one behind another from byte `from`. What lies there is overwritten. */
export const subtreeHash = (leaves: Buffer, from: number, level: number): Buffer => {
  for (let nodes = 2 ** level / 2; nodes >= 1; nodes /= 2)
    for (let n = 0; n < nodes; n++) {
      const left = from + 2 * n * hashBytes;
      leaves.copy(pair, 1, left, left + 2 * hashBytes);
      leaves.write(hash('sha256', pair, 'base64'), from + n * hashBytes, 'base64');
    }
  return leaves.subarray(from, from + hashBytes);
};

const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;

/** The largest power of two below n; n is at least 2. */
const splitOf = (n: number): number => {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
};

/** Complete subtrees that make up the leaves from `from` up to and without `to`, left to right. */
export const subtreesOf = (from: number, to: number): readonly Subtree[] => {
  const found: Subtree[] = [];
  for (let at = from; at < to; ) {
    let level = 0;
    let width = 1;
    while (at % (width * 2) === 0 && at + width * 2 <= to) {
      width *= 2;
      level++;
    }
    found.push({ level, index: at / width });
    at += width;
  }
  return found;
};

/** Hash of the tree whose complete subtrees, left to right, have these hashes. */
export const foldRight = (hashes: readonly Buffer[]): Buffer => {
  const last = hashes.at(-1);
  if (last === undefined) return emptyRoot();
  return hashes.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
};

/** A proof before its hashes are known: each of them is folded from complete subtrees. */
export type ProofPlan = readonly (readonly Subtree[])[];

/** Of leaf `index` in the tree of the first `size` leaves; from leaf to root. */
export const planInclusion = (index: number, size: number): ProofPlan => {
  if (index < 0 || index >= size) throw new RangeError(`leaf ${index} is not in a tree of ${size}`);
  const walk = (from: number, to: number): ProofPlan => {
    if (to - from === 1) return [];
    const middle = from + splitOf(to - from);
    return index < middle
      ? [...walk(from, middle), subtreesOf(middle, to)]
      : [...walk(middle, to), subtreesOf(from, middle)];
  };
  return walk(0, size);
};

/** That the tree of the first `from` leaves is the beginning of the tree of the first `to`. */
export const planConsistency = (from: number, to: number): ProofPlan => {
  if (from < 1 || from > to) throw new RangeError(`a tree of ${from} is no beginning of one of ${to}`);
  const walk = (low: number, high: number, whole: boolean): ProofPlan => {
    if (from === high) return whole ? [] : [subtreesOf(low, high)];
    const middle = low + splitOf(high - low);
    return from <= middle
      ? [...walk(low, middle, whole), subtreesOf(middle, high)]
      : [...walk(middle, high, false), subtreesOf(low, middle)];
  };
  return walk(0, to, true);
};

/** Whether `proof` shows that `leaf` is leaf `index` of the tree of `size` leaves with this root. */
export const provesInclusion = (
  { leaf, index, size, root }: { leaf: Buffer; index: number; size: number; root: Buffer },
  proof: readonly Buffer[],
): boolean => {
  if (!isIndex(index) || !isIndex(size) || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let r = leaf;
  for (const p of proof) {
    if (sn === 0 || p.length !== hashBytes) return false;
    if (isOdd(fn) || fn === sn) {
      r = nodeHash(p, r);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else r = nodeHash(r, p);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && r.equals(root);
};

export interface Tree {
  readonly size: number;
  readonly root: Buffer;
}

/** Whether `proof` shows that the older tree is the beginning of the newer one. */
export const provesConsistency = (older: Tree, newer: Tree, proof: readonly Buffer[]): boolean => {
  const [m, n] = [older.size, newer.size];
  if (!isIndex(m) || !isIndex(n) || m > n) return false;
  if (m === n) return proof.length === 0 && older.root.equals(newer.root);
  if (m === 0) return true;
  if (proof.length === 0 || proof.some((p) => p.length !== hashBytes)) return false;
  const path = isPowerOfTwo(m) ? [older.root, ...proof] : proof;
  let fn = m - 1;
  let sn = n - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  let fr = path[0] as Buffer;
  let sr = fr;
  for (const s of path.slice(1)) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      fr = nodeHash(s, fr);
      sr = nodeHash(s, sr);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else sr = nodeHash(sr, s);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && fr.equals(older.root) && sr.equals(newer.root);
};

const isIndex = (n: number): boolean => Number.isSafeInteger(n) && n >= 0;

const isPowerOfTwo = (n: number): boolean => {
  let power = 1;
  while (power < n) power *= 2;
  return power === n;
};

/** A tree that grows from the left and keeps only the hashes its root needs: one a bit of its size. */
export interface Frontier {
  readonly size: number;
  /** Of a leaf, or of a complete subtree that begins where the tree ends. */
  push(hash: Buffer, level?: number): void;
  root(): Buffer;
}

export const createFrontier = (): Frontier => {
  const kept: { hash: Buffer; level: number }[] = [];
  let size = 0;
  return {
    get size() {
      return size;
    },
    push(pushed, level = 0) {
      const width = 2 ** level;
      if (size % width !== 0) throw new RangeError(`no subtree of ${width} leaves begins at leaf ${size}`);
      size += width;
      let one = { hash: pushed, level };
      for (let top = kept.at(-1); top?.level === one.level; top = kept.at(-1)) {
        kept.pop();
        one = { hash: nodeHash(top.hash, one.hash), level: one.level + 1 };
      }
      kept.push(one);
    },
    root: () => foldRight(kept.map(({ hash: kept1 }) => kept1)),
  };
};
