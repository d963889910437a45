/** The tree while it grows: the last, unfinished tile of each level, and what of them has to be written. */
import { createFrontier, hashBytes } from './merkle.ts';
import { type Tile, type TileId, tileHash, tileWidth, widthOf } from './tiles.ts';

export interface Growth {
  readonly size: number;
  append(leaf: Uint8Array): void;
  root(): Buffer;
  /** Tiles that were finished or grew since this was last asked. */
  takeChanged(): readonly Tile[];
}

interface Level {
  index: number;
  count: number;
  readonly hashes: Buffer;
  changed: boolean;
}

const newLevel = (): Level => ({
  index: 0,
  count: 0,
  hashes: Buffer.alloc(tileWidth * hashBytes),
  changed: false,
});

/** The unfinished tiles of a tree of `size` leaves, from the lowest level up. */
export const unfinishedTiles = (size: number): readonly TileId[] => {
  const ids: TileId[] = [];
  for (let level = 0, nodes = size; nodes > 0; level++, nodes = Math.floor(nodes / tileWidth)) {
    if (nodes % tileWidth > 0) ids.push({ level, index: Math.floor(nodes / tileWidth) });
  }
  return ids;
};

/** `tileAt` gives the stored hashes of an unfinished tile of a tree of `size` leaves; they may reach further. */
export const createGrowth = (
  size: number,
  tileAt: (id: TileId) => Buffer = () => Buffer.alloc(0),
): Growth => {
  let leaves = size;
  let finished: Tile[] = [];
  const levels: Level[] = [];
  for (let nodes = size; nodes > 0; nodes = Math.floor(nodes / tileWidth)) {
    levels.push({ ...newLevel(), index: Math.floor(nodes / tileWidth), count: nodes % tileWidth });
  }
  for (const id of unfinishedTiles(size)) {
    const width = widthOf(id, size) * hashBytes;
    const stored = tileAt(id);
    if (stored.length < width)
      throw new RangeError(`Tile ${id.level}/${id.index} ends before the tree does.`);
    stored.copy((levels[id.level] as Level).hashes, 0, 0, width);
  }

  const push = (level: number, hash: Uint8Array): void => {
    levels[level] ??= newLevel();
    const at = levels[level] as Level;
    at.hashes.set(hash, at.count * hashBytes);
    at.count++;
    at.changed = true;
    if (at.count < tileWidth) return;
    finished.push({ level, index: at.index, hashes: Buffer.from(at.hashes) });
    push(level + 1, tileHash(at.hashes));
    at.index++;
    at.count = 0;
    at.changed = false;
  };

  return {
    get size() {
      return leaves;
    },
    append(leaf) {
      push(0, leaf);
      leaves++;
    },
    root() {
      const frontier = createFrontier();
      levels.toReversed().forEach(({ hashes, count }, n) => {
        const level = (levels.length - 1 - n) * 8;
        for (let at = 0; at < count; at++)
          frontier.push(Buffer.from(hashes.subarray(at * hashBytes, (at + 1) * hashBytes)), level);
      });
      return frontier.root();
    },
    takeChanged() {
      const changed = [...finished];
      finished = [];
      levels.forEach((at, level) => {
        if (!at.changed) return;
        at.changed = false;
        changed.push({
          level,
          index: at.index,
          hashes: Buffer.from(at.hashes.subarray(0, at.count * hashBytes)),
        });
      });
      return changed;
    },
  };
};
