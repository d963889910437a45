/**
 * Sealing: puts what was appended since into the tree and signs what the tree has become. Tiles and checkpoint
 * commit together, one page at a time, and only on top of the tree that the page was computed for.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Db } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { StoredEvent, Timestamp } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import { checkpointText } from './checkpoint.ts';
import { entryOf } from './entry.ts';
import type { Growth } from './growth.ts';
import { hashPage, hashTexts } from './hashing.ts';
import { LogFault, missingAt } from './log-fault.ts';
import { hashBytes, leafHash } from './merkle.ts';
import type { Signer } from './note.ts';
import { insertCheckpoint, lockTree, writeTiles } from './sql/tree.ts';
import type { TreeReading } from './tree.ts';

/** Events of one transaction. */
const pageEvents = 2_000;
/** Hashed here in one turn of the event loop: a few milliseconds. */
const turnEvents = 200;

export interface Sealing {
  /** Seals all that there is, or up to a position; resolves to the size of the tree. @throws LogFault */
  seal(signal: AbortSignal, upTo?: number): Promise<number>;
  /** Signs the tree as it is, without anything new: for a new key. */
  signAgain(): Promise<void>;
}

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head' | 'readStored' | 'readRecentTexts'>;
  readonly tree: TreeReading;
  readonly signer: Signer;
  readonly clock: () => Timestamp;
  /** Events behind this position are stored as canonical JSON. */
  readonly canonicalFrom: number;
}

/** Another process sealed meanwhile. */
class Overtaken extends Error {}

/** Leaf hashes of events that must follow each other from `first` on. @throws LogFault */
export async function* leavesOf(events: readonly StoredEvent[], first: number): AsyncGenerator<Buffer> {
  let expected = first;
  for (const event of events) {
    if (event.position !== expected) throw missingAt(expected);
    if (expected % turnEvents === 0) await yieldToOthers();
    expected++;
    yield leafHash(entryOf(event));
  }
}

export const createSealing = ({ pool, log, tree, signer, clock, canonicalFrom }: Deps): Sealing => {
  const commit = async (from: number, growth: Growth): Promise<void> => {
    const tiles = growth.takeChanged();
    const { size } = growth;
    const root = growth.root();
    const note = signer.sign(checkpointText({ origin: signer.name, size, root }));
    await inTransaction(pool, async (tx) => {
      await tx.query(lockTree);
      const before = await tree.latest(tx);
      if ((before?.size ?? 0) !== from) throw new Overtaken();
      if (tiles.length > 0) {
        const values = [
          tiles.map(({ level }) => level),
          tiles.map(({ index }) => index),
          tiles.map(({ hashes }) => hashes),
        ];
        await tx.query({ ...writeTiles, values });
      }
      await tx.query({ ...insertCheckpoint, values: [size, signer.name, root, note, clock()] });
    });
  };

  /** Hashed here, one by one: whatever form they are stored in. */
  const appendRead = async (growth: Growth, upTo: number): Promise<number> => {
    const { events } = await log.readStored({ after: growth.size, upTo, limit: pageEvents });
    for await (const leaf of leavesOf(events, growth.size + 1)) growth.append(leaf);
    return events.length;
  };

  /** Hashed from their text as it is stored: nothing is parsed. */
  const appendHashed = async (growth: Growth, upTo: number): Promise<number> => {
    const from = growth.size;
    const recent = await log.readRecentTexts({ after: from, upTo, limit: pageEvents });
    const hashed = await (recent === undefined ? hashPage(pool, from, upTo) : hashTexts(recent));
    const { count, first, last, hashes } = hashed;
    if (count === 0) return 0;
    // One is missing, or stored otherwise: read one by one, it is told which.
    if (hashes === undefined || first !== from + 1 || last !== from + count) return appendRead(growth, upTo);
    for (let at = 0; at < count; at++) growth.append(hashes.subarray(at * hashBytes, (at + 1) * hashBytes));
    return count;
  };

  const sealPage = async (growth: Growth, upTo: number): Promise<boolean> => {
    const from = growth.size;
    const plain = from < canonicalFrom;
    const end = Math.min(from + pageEvents, upTo, plain ? canonicalFrom : Number.MAX_SAFE_INTEGER);
    if (end <= from) return false;
    const appended = await (plain ? appendRead : appendHashed)(growth, end);
    if (appended === 0) return false;
    await commit(from, growth);
    return growth.size === end;
  };

  /** The tree in memory is as good as the last commit of this process, until another one seals. */
  let kept: Growth | undefined;

  const current = async (): Promise<{ readonly growth: Growth; readonly head: number }> => {
    const size = (await tree.latest())?.size ?? 0;
    if (kept?.size !== size) kept = await tree.growth(size);
    const { position } = await log.head();
    if (position < size) {
      throw new LogFault(
        'truncated',
        position + 1,
        `The log ends at position ${position}, and ${size} events were sealed: its end was cut off.`,
      );
    }
    return { growth: kept, head: position };
  };

  return {
    async seal(signal, upTo = Number.MAX_SAFE_INTEGER) {
      const { growth, head } = await current();
      const end = Math.min(head, upTo);
      try {
        while (!signal.aborted && (await sealPage(growth, end)));
      } catch (error) {
        kept = undefined;
        if (!(error instanceof Overtaken)) throw error;
      }
      return growth.size;
    },
    async signAgain() {
      const { growth } = await current();
      await commit(growth.size, growth).catch((error: unknown) => {
        if (!(error instanceof Overtaken)) throw error;
      });
    },
  };
};
