/** Checkpoints (C2SP tlog-checkpoint v1.0.0): what a log has signed of itself. */
import { hashBytes } from './merkle.ts';
import { NoteError, openNote, strictBase64, type Verifier } from './note.ts';

export interface Checkpoint {
  readonly origin: string;
  /** Leaves, and so the position of the last event. */
  readonly size: number;
  readonly root: Buffer;
}

/** The text that is signed. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string =>
  `${origin}\n${size}\n${root.toString('base64')}\n`;

/** @throws NoteError where it is no checkpoint, or not signed by any of these keys as its origin demands. */
export const openCheckpoint = (note: string, verifiers: readonly Verifier[]): Checkpoint => {
  const checkpoint = readCheckpoint(openNote(note, verifiers));
  // The key's name is the origin: a key that signs for one log does not speak for another.
  openNote(
    note,
    verifiers.filter(({ name }) => name === checkpoint.origin),
  );
  return checkpoint;
};

/** Text without its signatures. @throws NoteError */
export const readCheckpoint = (text: string): Checkpoint => {
  const [origin = '', size = '', encoded = ''] = text.split('\n');
  const root = strictBase64(encoded);
  const number = Number(size);
  if (origin === '' || !/^(0|[1-9]\d{0,15})$/.test(size) || !Number.isSafeInteger(number))
    throw new NoteError('The checkpoint does not begin with an origin and a size.');
  if (root?.length !== hashBytes) throw new NoteError('The checkpoint has no root hash of 32 bytes.');
  return { origin, size: number, root };
};
