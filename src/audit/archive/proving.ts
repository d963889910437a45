/** Reads a file of the archive back from where it lies, and proves it by nothing but the log's keys. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Storage } from '../../storage/storage.ts';
import { verifyExport } from '../verify/export.ts';
import { ownHand } from '../verify/hands.ts';
import { toldOf } from '../verify/verdict.ts';

interface Deps {
  readonly storage: Storage;
  readonly vkeys: () => Promise<readonly string[]>;
}

export interface ProvenFile {
  /** Of the file as it lies there, in hex. */
  readonly sha256: string;
  /** What is wrong with it, in sentences; undefined: it is what the log signed. */
  readonly fault: string | undefined;
}

/** undefined: there is no such file. */
export const proveFile = async ({ storage, vkeys }: Deps, file: string): Promise<ProvenFile | undefined> => {
  const content = await storage.read(file);
  if (content === undefined) return undefined;
  const digest = createHash('sha256');
  const source = Readable.from(content).on('data', (bytes: Buffer) => digest.update(bytes));
  const unpacked = createGunzip();
  // What fails at the source fails at the end.
  source.on('error', (error) => unpacked.destroy(error));
  try {
    const verdict = await verifyExport({ source: source.pipe(unpacked), vkeys: await vkeys() }, ownHand);
    const fault = verdict.intact ? undefined : toldOf(verdict).slice(0, 3).join(' ');
    return { sha256: digest.digest('hex'), fault };
  } catch (error) {
    if (!isCutOrAltered(error)) throw error;
    return { sha256: '', fault: 'It is cut or altered.' };
  } finally {
    source.destroy();
  }
};

/** What zlib calls its faults, and the end of a file in the middle of a member. */
const isCutOrAltered = (error: unknown): boolean =>
  /^Z_/.test(String((error as { readonly code?: unknown }).code));
