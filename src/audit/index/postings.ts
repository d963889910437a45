/**
 * Postings: where in a segment of the log each token occurs, as rows of bytes. A token that is frequent in the
 * segment has a row of its own (its first byte says whether a bitmap or a list of offsets follows); the others
 * share rows by the lowest bits of the token, each occurrence as the token's next 32 bits and the offset.
 *
 * Why not GIN over arrays of tokens: a search for two frequent values that never meet has to pass every
 * occurrence of both, two million of each in a log of five; as bitmaps they are a megabyte, and one AND
 * (docs/decisions/0024 has the figures).
 */
import type { Token } from './tokens.ts';

export const segmentSize = 16_384;

/** Of the positions 1, 2, 3 …, from 0. */
export const segmentOf = (position: number): number => Math.floor((position - 1) / segmentSize);

/** The last position of so many segments. */
export const endOf = (segments: number): number => segments * segmentSize;

export interface PostingRow {
  readonly key: number;
  readonly postings: Buffer;
}

const sharedRows = 2_048;
/** From so many occurrences in a segment on, a token has a row of its own. */
const ownFrom = 64;
const bitmapBytes = segmentSize / 8;
const pairBytes = 6;
const listTag = 0;
const bitmapTag = 1;

/** The row that it shares where it has none of its own; that one's key is the token. */
export const sharedKeyOf = (token: Token): number => -1 - (token % sharedRows);
const restOf = (token: Token): number => Math.floor(token / sharedRows) % 0x100000000;

/** The rows that may tell of a token. */
export const keysOf = (token: Token): readonly number[] => [token, sharedKeyOf(token)];

const listOf = (offsets: readonly number[]): Buffer => {
  const bytes = Buffer.allocUnsafe(1 + 2 * offsets.length);
  bytes[0] = listTag;
  for (const [n, offset] of offsets.entries()) bytes.writeUInt16LE(offset, 1 + 2 * n);
  return bytes;
};

const bitmapOf = (offsets: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(1 + bitmapBytes);
  bytes[0] = bitmapTag;
  for (const offset of offsets)
    bytes[1 + (offset >> 3)] = (bytes[1 + (offset >> 3)] ?? 0) | (1 << (offset & 7));
  return bytes;
};

const ownRow = (offsets: readonly number[]): Buffer =>
  2 * offsets.length < bitmapBytes ? listOf(offsets) : bitmapOf(offsets);

type Pair = readonly [rest: number, offset: number];

const pairsOf = (pairs: readonly Pair[]): Buffer => {
  const bytes = Buffer.allocUnsafe(pairBytes * pairs.length);
  pairs.forEach(([rest, offset], n) => {
    bytes.writeUInt32LE(rest, pairBytes * n);
    bytes.writeUInt16LE(offset, pairBytes * n + 4);
  });
  return bytes;
};

export interface Gathering {
  /** Tokens of the event at that offset; offsets come in order. */
  add(offset: number, tokens: readonly Token[]): void;
  rows(): readonly PostingRow[];
}

/** The rows of one segment. */
export const gatherPostings = (): Gathering => {
  const offsets = new Map<Token, number[]>();
  return {
    add(offset, tokens) {
      for (const token of tokens) {
        const known = offsets.get(token);
        if (known === undefined) offsets.set(token, [offset]);
        else if (known.at(-1) !== offset) known.push(offset);
      }
    },
    rows() {
      const rows: PostingRow[] = [];
      const shared = new Map<number, Pair[]>();
      for (const [token, own] of offsets) {
        if (own.length >= ownFrom) {
          rows.push({ key: token, postings: ownRow(own) });
          continue;
        }
        const key = sharedKeyOf(token);
        const pairs = shared.get(key) ?? [];
        for (const offset of own) pairs.push([restOf(token), offset]);
        shared.set(key, pairs);
      }
      for (const [key, pairs] of shared) rows.push({ key, postings: pairsOf(pairs) });
      return rows;
    },
  };
};

const offsetsOfPairs = (bytes: Buffer, rest: number): number[] => {
  const offsets: number[] = [];
  for (let at = 0; at < bytes.length; at += pairBytes)
    if (bytes.readUInt32LE(at) === rest) offsets.push(bytes.readUInt16LE(at + 4));
  return offsets;
};

const offsetsOfList = (bytes: Buffer): number[] => {
  const offsets: number[] = [];
  for (let at = 1; at < bytes.length; at += 2) offsets.push(bytes.readUInt16LE(at));
  return offsets;
};

const offsetsOfBitmap = (bytes: Buffer): number[] => {
  const offsets: number[] = [];
  for (let at = 1; at < bytes.length; at++) {
    for (let byte = bytes[at] ?? 0, bit = 0; byte !== 0; byte >>= 1, bit++)
      if ((byte & 1) === 1) offsets.push((at - 1) * 8 + bit);
  }
  return offsets;
};

const isBitmap = (bytes: Buffer): boolean => bytes[0] === bitmapTag;

/** Where one token occurs: offsets in order, or a bitmap. undefined: nowhere. */
type Found = readonly number[] | Buffer;

const foundIn = (rows: ReadonlyMap<number, Buffer>, token: Token): Found | undefined => {
  const own = rows.get(token);
  if (own !== undefined) return isBitmap(own) ? own : offsetsOfList(own);
  const shared = rows.get(sharedKeyOf(token));
  const offsets = shared === undefined ? [] : offsetsOfPairs(shared, restOf(token));
  return offsets.length === 0 ? undefined : offsets;
};

const isIn = (found: Found): ((offset: number) => boolean) => {
  if (Buffer.isBuffer(found))
    return (offset) => (((found[1 + (offset >> 3)] ?? 0) >> (offset & 7)) & 1) === 1;
  const offsets = new Set(found);
  return (offset) => offsets.has(offset);
};

const both = (a: Buffer, b: Buffer): Buffer => {
  const bytes = Buffer.allocUnsafe(a.length);
  for (let at = 0; at < a.length; at++) bytes[at] = (a[at] ?? 0) & (b[at] ?? 0);
  bytes[0] = bitmapTag;
  return bytes;
};

/** Offsets in a segment, in order, that have all of the tokens; `rows` are those of the segment by key. */
export const offsetsWith = (
  rows: ReadonlyMap<number, Buffer>,
  tokens: readonly Token[],
): readonly number[] => {
  const lists: (readonly number[])[] = [];
  let bitmap: Buffer | undefined;
  for (const token of tokens) {
    const found = foundIn(rows, token);
    if (found === undefined) return [];
    if (!Buffer.isBuffer(found)) lists.push(found);
    else bitmap = bitmap === undefined ? found : both(bitmap, found);
  }
  const [least, ...others] = lists.sort((a, b) => a.length - b.length);
  if (least === undefined) return bitmap === undefined ? [] : offsetsOfBitmap(bitmap);
  const tests = [...others, ...(bitmap === undefined ? [] : [bitmap])].map(isIn);
  return least.filter((offset) => tests.every((test) => test(offset)));
};

/** The row without these offsets, whatever the token; undefined where nothing is left of it. */
export const without = ({ key, postings }: PostingRow, gone: ReadonlySet<number>): Buffer | undefined => {
  if (key < 0) {
    const pairs: Pair[] = [];
    for (let at = 0; at < postings.length; at += pairBytes) {
      const offset = postings.readUInt16LE(at + 4);
      if (!gone.has(offset)) pairs.push([postings.readUInt32LE(at), offset]);
    }
    return pairs.length === 0 ? undefined : pairsOf(pairs);
  }
  const offsets = isBitmap(postings) ? offsetsOfBitmap(postings) : offsetsOfList(postings);
  const left = offsets.filter((offset) => !gone.has(offset));
  return left.length === 0 ? undefined : ownRow(left);
};
