/** The sealed tree as it is read: checkpoints, tiles, and the hashes that proofs are made of. */
import type { Db, Queryable } from '../../db/pool.ts';
import type { Timestamp } from '../../events/envelope.ts';
import { createGrowth, type Growth, unfinishedTiles } from './growth.ts';
import { foldRight, hashBytes, type ProofPlan, type Subtree, subtreesOf } from './merkle.ts';
import { selectLatest, selectTiles } from './sql/tree.ts';
import { subtreeHash, type TileId, tileOf } from './tiles.ts';

export interface SealedTree {
  readonly size: number;
  readonly origin: string;
  readonly root: Buffer;
  /** The signed checkpoint. */
  readonly note: string;
  readonly signedAt: Timestamp;
}

export interface TreeReading {
  /** undefined: nothing was sealed yet. */
  latest(db?: Queryable): Promise<SealedTree | undefined>;
  /** Hashes as they are stored, which may be more than a tree of some size has; undefined: no such tile. */
  tile(id: TileId): Promise<Buffer | undefined>;
  /** Hashes of leaves behind `after` up to and with `upTo`, which must be sealed. 32 bytes each. */
  leaves(after: number, upTo: number): Promise<Buffer>;
  subtrees(wanted: readonly Subtree[]): Promise<readonly Buffer[]>;
  /** The hashes of a proof. */
  prove(plan: ProofPlan): Promise<readonly Buffer[]>;
  /** Of the first `size` leaves. */
  root(size: number): Promise<Buffer>;
  /** To go on from. */
  growth(size: number, db?: Queryable): Promise<Growth>;
}

const keyOf = ({ level, index }: TileId): string => `${level}/${index}`;

interface TileRow extends TileId {
  readonly hashes: Buffer;
}

export const createTreeReading = (pool: Db): TreeReading => {
  const tilesOf = async (
    ids: readonly TileId[],
    db: Queryable = pool,
  ): Promise<ReadonlyMap<string, Buffer>> => {
    const distinct = [...new Map(ids.map((id) => [keyOf(id), id])).values()];
    const values = [distinct.map(({ level }) => level), distinct.map(({ index }) => index)];
    const { rows } = await db.query<TileRow>({ ...selectTiles, values });
    return new Map(rows.map((row) => [keyOf(row), row.hashes]));
  };

  const subtrees = async (wanted: readonly Subtree[]): Promise<readonly Buffer[]> => {
    const tiles = await tilesOf(wanted.map(tileOf));
    return wanted.map((one) => subtreeHash(one, tiles.get(keyOf(tileOf(one))) ?? Buffer.alloc(0)));
  };

  return {
    subtrees,
    async latest(db = pool) {
      const { rows } = await db.query<SealedTree>(selectLatest);
      return rows[0];
    },
    async tile(id) {
      return (await tilesOf([id])).get(keyOf(id));
    },
    async leaves(after, upTo) {
      const first = Math.floor(after / 256);
      const last = Math.floor((upTo - 1) / 256);
      const ids = Array.from({ length: last - first + 1 }, (_, n) => ({ level: 0, index: first + n }));
      const tiles = await tilesOf(ids);
      const bytes = Buffer.concat(ids.map((id) => tiles.get(keyOf(id)) ?? Buffer.alloc(0)));
      return bytes.subarray((after - first * 256) * hashBytes, (upTo - first * 256) * hashBytes);
    },
    async prove(plan) {
      const hashes = await subtrees(plan.flat());
      let at = 0;
      return plan.map((parts) => {
        at += parts.length;
        return foldRight(hashes.slice(at - parts.length, at));
      });
    },
    async root(size) {
      return foldRight(await subtrees(subtreesOf(0, size)));
    },
    async growth(size, db) {
      const tiles = await tilesOf(unfinishedTiles(size), db);
      return createGrowth(size, (id) => tiles.get(keyOf(id)) ?? Buffer.alloc(0));
    },
  };
};
