/**
 * Checkpoints kept outside the database, so that whoever can rewrite all of it is found out: the newest as
 * `checkpoint`, and beside it one an hour as `checkpoints/<signed at>`, which nobody here reads again.
 */
import type { Storage } from '../../storage/storage.ts';
import type { SealedTree } from './tree.ts';

const newestName = 'checkpoint';

export interface CheckpointMirror {
  /** The signed note that is kept; undefined: none yet. */
  read(): Promise<string | undefined>;
  keep(tree: SealedTree): Promise<void>;
  /** Keeps a note for good beside the newest one; answers where. */
  setAside(kept: { readonly note: string; readonly size: number; readonly at: string }): Promise<string>;
  /** From now on the newest one is this; undefined: there is none. */
  goOnFrom(tree: SealedTree | undefined): Promise<void>;
}

export const createCheckpointMirror = (storage: Storage): CheckpointMirror => {
  let hourKept: string | undefined;
  return {
    async read() {
      const content = await storage.read(newestName);
      if (content === undefined) return undefined;
      const parts: Buffer[] = [];
      for await (const part of content) parts.push(Buffer.from(part));
      return Buffer.concat(parts).toString('utf8');
    },
    async keep({ note, signedAt }) {
      await storage.write(newestName, Buffer.from(note));
      const hour = signedAt.slice(0, 13);
      if (hour === hourKept) return;
      await storage.write(`checkpoints/${hour}`, Buffer.from(note));
      hourKept = hour;
    },
    async setAside({ note, size, at }) {
      const name = `set-back/${at.replaceAll(/[:.]/g, '-')}-${size}`;
      await storage.write(name, Buffer.from(note));
      return name;
    },
    async goOnFrom(tree) {
      if (tree === undefined) await storage.remove(newestName);
      else await storage.write(newestName, Buffer.from(tree.note));
    },
  };
};
