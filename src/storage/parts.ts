/** Content of any length cut into parts of one size, of which the last may be smaller. */
import type { Content } from './storage.ts';

/** At least 5 MiB, as S3 wants of all but the last; 10,000 of them are a file's most: 80 GiB. */
export const partBytes = 8 * 1024 * 1024;

/** A whole buffer is cut; pieces are gathered. No part is yielded for no bytes. */
export async function* partsOf(content: Content, size = partBytes): AsyncGenerator<Buffer, undefined> {
  if (Buffer.isBuffer(content)) {
    for (let at = 0; at < content.length; at += size) yield content.subarray(at, at + size);
    return;
  }
  let part = Buffer.allocUnsafe(size);
  let filled = 0;
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      const taken = piece.subarray(at, at + size - filled);
      part.set(taken, filled);
      filled += taken.length;
      at += taken.length;
      if (filled < size) continue;
      yield part;
      // A new one: whoever took the last may still be sending it.
      part = Buffer.allocUnsafe(size);
      filled = 0;
    }
  }
  if (filled > 0) yield part.subarray(0, filled);
}
