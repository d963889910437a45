/** What a part comes to where it is put together with the others, which is kept for longer than the part. */
import { hashBytes, subtreeHash, subtreesOf } from '../transparency/merkle.ts';

/** What was cut out of a text keeps all of that text alive; this is a text of its own. */
export const ownCopy = (text: string): string => Buffer.from(text).toString();

/**
 * Hashes of the complete subtrees that the leaves (base64) make, where the first is leaf `from` of the tree. What is
 * no hash stands for one that nobody sealed.
 */
export const reduced = (leaves: readonly string[], from: number, cutAt = from) => {
  const to = from + leaves.length;
  const cut = Math.min(Math.max(cutAt, from), to);
  const subtrees = [...subtreesOf(from, cut), ...subtreesOf(cut, to)];
  const bytes = Buffer.alloc(leaves.length * hashBytes);
  leaves.forEach((leaf, n) => {
    bytes.write(leaf, n * hashBytes, hashBytes, 'base64');
  });
  let at = 0;
  const hashes = subtrees.map(({ level }) => {
    const hash = subtreeHash(bytes, at, level);
    at += 2 ** level * hashBytes;
    return hash;
  });
  return { levels: subtrees.map(({ level }) => level), hashes: new Uint8Array(Buffer.concat(hashes)) };
};
