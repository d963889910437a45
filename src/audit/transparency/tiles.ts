/**
 * Tiles (C2SP tlog-tiles v0.1.0): 256 hashes of one level of the tree, eight levels of it apart; and entry
 * bundles, the entries of 256 leaves.
 */
import { hashBytes, nodeHash, type Subtree } from './merkle.ts';

export const tileWidth = 256;
const tileHeight = 8;
/** Room for 2^53 leaves. */
export const tileLevelMax = 6;

/** `level` counts tiles: tile level L holds hashes of subtrees of 256^L leaves. */
export interface TileId {
  readonly level: number;
  readonly index: number;
}

export interface Tile extends TileId {
  /** 32 bytes each; fewer than 256 of them where the tree goes no further yet. */
  readonly hashes: Buffer;
}

/** How many hashes tile `index` of a level holds in a tree of `size` leaves. */
export const widthOf = ({ level, index }: TileId, size: number): number => {
  const nodes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, nodes - index * tileWidth));
};

/** N in groups of three digits, all but the last behind an `x`; `.p/W` where it is partial. */
export const tilePath = (index: number, width: number = tileWidth): string => {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, n) => (n === groups.length - 1 ? group : `x${group}`)).join('/');
  return width === tileWidth ? path : `${path}.p/${width}`;
};

/** undefined where it is not the one spelling of a tile's path. */
export const readTilePath = (
  path: string,
): { readonly index: number; readonly width: number } | undefined => {
  const [, groups = '', partial] = /^((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/.exec(path) ?? [];
  if (groups === '') return undefined;
  const index = Number(groups.replaceAll(/[x/]/g, ''));
  const width = partial === undefined ? tileWidth : Number(partial);
  if (!Number.isSafeInteger(index) || width > tileWidth || tilePath(index, width) !== path) return undefined;
  return { index, width };
};

/** The tile that holds the hash of a subtree, or those it is made of. */
export const tileOf = ({
  level,
  index,
}: Subtree): TileId & { readonly first: number; readonly count: number } => {
  const tileLevel = Math.floor(level / tileHeight);
  const count = 2 ** (level % tileHeight);
  const first = index * count;
  return { level: tileLevel, index: Math.floor(first / tileWidth), first: first % tileWidth, count };
};

/** Hash of a subtree whose tile is at hand. @throws RangeError where the tile does not reach so far. */
export const subtreeHash = (subtree: Subtree, tile: Buffer): Buffer => {
  const { first, count } = tileOf(subtree);
  if ((first + count) * hashBytes > tile.length)
    throw new RangeError(`The tile ends before subtree ${subtree.index} of level ${subtree.level}.`);
  return completeHash(tile, first, count);
};

const completeHash = (tile: Buffer, first: number, count: number): Buffer => {
  if (count === 1) return tile.subarray(first * hashBytes, (first + 1) * hashBytes);
  return nodeHash(completeHash(tile, first, count / 2), completeHash(tile, first + count / 2, count / 2));
};

/** Hash of a whole tile: one of those of the level above. */
export const tileHash = (hashes: Buffer): Buffer => completeHash(hashes, 0, tileWidth);

const entryBytesMax = 0xffff;

/** (length in two bytes, big-endian, and entry) for each. @throws RangeError where an entry is too long. */
export const bundleOf = (entries: readonly string[]): Buffer =>
  Buffer.concat(
    entries.flatMap((entry) => {
      const bytes = Buffer.from(entry);
      if (bytes.length > entryBytesMax) throw new RangeError('An entry has more bytes than a bundle allows.');
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      return [length, bytes];
    }),
  );

/** @throws RangeError where it ends within an entry. */
export const readBundle = (bundle: Buffer): readonly Buffer[] => {
  const entries: Buffer[] = [];
  for (let at = 0; at < bundle.length; ) {
    const end = at + 2 <= bundle.length ? at + 2 + bundle.readUInt16BE(at) : Number.POSITIVE_INFINITY;
    if (end > bundle.length) throw new RangeError('The entry bundle ends within an entry.');
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
};
