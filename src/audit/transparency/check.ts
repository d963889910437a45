/**
 * The log checks itself: what the database holds is hashed anew and compared with what was sealed, and the
 * sealed tree with what was signed. Whoever can alter the database and the tiles alike is found by the root,
 * which only the signing key can vouch for; whoever holds that too, by checkpoints that others kept.
 */
import type { EventLog } from '../../events/log.ts';
import { type Checkpoint, openCheckpoint } from './checkpoint.ts';
import { LogFault } from './log-fault.ts';
import { createFrontier, type Frontier, hashBytes, subtreesOf } from './merkle.ts';
import { NoteError, type Verifier } from './note.ts';
import { leavesOf } from './sealing.ts';
import type { TreeReading } from './tree.ts';

const pageEvents = 1_000;

export interface Checked {
  /** Positions behind `after` up to and with `upTo` were hashed anew. */
  readonly after: number;
  readonly upTo: number;
}

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'readStored'>;
  readonly tree: TreeReading;
  /** Every key that has signed this log. */
  readonly verifiers: () => Promise<readonly Verifier[]>;
}

export interface Checking {
  /**
   * The last `events` of what is sealed, or all of it. Where a fault is among those that are not looked at,
   * it is not found. @throws LogFault
   */
  check(signal: AbortSignal, events?: number): Promise<Checked>;
  /** Whether the sealed tree goes on from a checkpoint that was kept elsewhere. @throws LogFault */
  goesOnFrom(kept: Checkpoint): Promise<void>;
}

export const createChecking = ({ log, tree, verifiers }: Deps): Checking => {
  const begin = async (after: number): Promise<Frontier> => {
    const frontier = createFrontier();
    const before = subtreesOf(0, after);
    const hashes = await tree.subtrees(before);
    before.forEach(({ level }, n) => {
      frontier.push(hashes[n] as Buffer, level);
    });
    return frontier;
  };

  const comparePage = async (frontier: Frontier, size: number): Promise<void> => {
    const after = frontier.size;
    const upTo = Math.min(size, after + pageEvents);
    const [{ events }, sealed] = await Promise.all([
      log.readStored({ after, limit: upTo - after, upTo }),
      tree.leaves(after, upTo),
    ]);
    let at = 0;
    for await (const leaf of leavesOf(events, after + 1)) {
      if (!leaf.equals(sealed.subarray(at * hashBytes, (at + 1) * hashBytes))) {
        const position = after + at + 1;
        throw new LogFault(
          'altered',
          position,
          `The event at position ${position} is not the one that was sealed.`,
        );
      }
      frontier.push(leaf);
      at++;
    }
    if (after + at < upTo) {
      const position = after + at + 1;
      throw new LogFault(
        'truncated',
        position,
        `The log ends before position ${position}, which was sealed.`,
      );
    }
  };

  const signedTree = async (): Promise<Checkpoint | undefined> => {
    const latest = await tree.latest();
    if (latest === undefined) return undefined;
    try {
      return openCheckpoint(latest.note, await verifiers());
    } catch (error) {
      if (!(error instanceof NoteError)) throw error;
      throw new LogFault(
        'forked',
        latest.size,
        `The checkpoint at ${latest.size} is not signed by a key of this log.`,
      );
    }
  };

  return {
    async check(signal, events = Number.MAX_SAFE_INTEGER) {
      const signed = await signedTree();
      if (signed === undefined) return { after: 0, upTo: 0 };
      const after = Math.max(0, signed.size - events);
      const frontier = await begin(after);
      while (frontier.size < signed.size && !signal.aborted) await comparePage(frontier, signed.size);
      if (frontier.size === signed.size && !frontier.root().equals(signed.root))
        throw new LogFault(
          'forked',
          signed.size,
          `The tree of ${signed.size} events is not the one that was signed.`,
        );
      return { after, upTo: frontier.size };
    },
    async goesOnFrom({ size, root }) {
      const sealed = (await tree.latest())?.size ?? 0;
      if (size > sealed) {
        throw new LogFault(
          'truncated',
          sealed + 1,
          `A checkpoint that was kept outside the database has ${size} events, and the log has ${sealed}: its end is missing.`,
        );
      }
      if (size > 0 && !(await tree.root(size)).equals(root))
        throw new LogFault('forked', size, `The log is not the one whose first ${size} events were signed.`);
    },
  };
};
