/** Proof files (C2SP tlog-proof): one leaf, its way to the root, and the checkpoint that signs the root. */
import { hashBytes } from './merkle.ts';
import { NoteError, strictBase64 } from './note.ts';

const header = 'c2sp.org/tlog-proof@v1';

export interface ProofFile {
  /** Of the leaf: position − 1. */
  readonly index: number;
  /** From leaf to root. */
  readonly hashes: readonly Buffer[];
  /** The signed note. */
  readonly checkpoint: string;
  /** What the log says beside it: here the entry whose hash is the leaf. */
  readonly extra?: Buffer;
}

export const writeProofFile = ({ index, hashes, checkpoint, extra }: ProofFile): string =>
  [
    header,
    ...(extra === undefined ? [] : [`extra ${extra.toString('base64')}`]),
    `index ${index}`,
    ...hashes.map((one) => one.toString('base64')),
    '',
    checkpoint,
  ].join('\n');

/** @throws NoteError */
export const readProofFile = (text: string): ProofFile => {
  const end = text.indexOf('\n\n');
  const lines = text.slice(0, Math.max(end, 0)).split('\n');
  if (lines.shift() !== header) throw new NoteError(`A proof file begins with ${header}.`);
  const extra =
    lines[0]?.startsWith('extra ') === true ? strictBase64(lines.shift()?.slice(6) ?? '') : undefined;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1];
  const hashes = lines.map(strictBase64);
  if (index === undefined || !hashes.every((one): one is Buffer => one?.length === hashBytes))
    throw new NoteError('The proof file is malformed: an index, then hashes of 32 bytes in base64.');
  const file = { index: Number(index), hashes, checkpoint: text.slice(end + 2) };
  return extra === undefined ? file : { ...file, extra };
};
