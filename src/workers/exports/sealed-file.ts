/**
 * A file encrypted so that any part of it can be read by itself: the STREAM construction as `age` has it
 * (https://age-encryption.org/v1, "Payload"), with AES-256-GCM. Plain text is cut into chunks of 64 KiB, each
 * sealed under the file's key with a nonce of its number (11 bytes) and whether it is the last (1 byte): chunks
 * cannot be moved, left out or cut off unnoticed. A key is used for one file alone: `fileKey` derives it.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { partsOf } from '../../storage/parts.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Part } from './request.ts';

export const chunkBytes = 64 * 1024;
const tagBytes = 16;
const sealedBytes = chunkBytes + tagBytes;

/** Each attempt writes under a key of its own: two that wrote one export would use the same nonces. */
export const fileKey = (exportKey: Buffer, file: string): Buffer =>
  Buffer.from(hkdfSync('sha256', exportKey, file, 'quarterdeck export file', 32));

const nonceOf = (index: number, last: boolean): Buffer => {
  const nonce = Buffer.alloc(12);
  nonce.writeUIntBE(index, 5, 6);
  nonce[11] = last ? 1 : 0;
  return nonce;
};

const sealChunk = (key: Buffer, index: number, last: boolean, plain: Buffer): Buffer => {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(index, last));
  const body = cipher.update(plain);
  cipher.final();
  return Buffer.concat([body, cipher.getAuthTag()]);
};

/** @throws Error where a byte is not what was written. */
const openChunk = (key: Buffer, index: number, last: boolean, sealed: Buffer): Buffer => {
  if (sealed.length < tagBytes) throw new Error('an export’s file is cut off');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(index, last), { authTagLength: tagBytes });
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
};

/** The last chunk is the only one that may be smaller, and empty only where the file is. */
export async function* sealedChunks(key: Buffer, content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held: Buffer | undefined;
  let index = 0;
  for await (const chunk of partsOf(content, chunkBytes)) {
    if (held !== undefined) yield sealChunk(key, index++, false, held);
    held = chunk;
  }
  yield sealChunk(key, index, true, held ?? Buffer.alloc(0));
}

interface SealedFile {
  readonly key: Buffer;
  /** Of the plain text. */
  readonly bytes: number;
  readonly read: (range: Part) => ReturnType<Storage['read']>;
}

/** It may be lost: whoever wants it asks for another one. */
export class FileLost extends Error {}

/**
 * Only the chunks that hold the part are read, and the first one at once: what cannot be had is known before
 * anything of it is sent. `mayBegin` is asked then, and nothing is kept open where it says no.
 *
 * @throws FileLost; Error where it was tampered with, also on the way.
 */
export const openPart = async (
  file: SealedFile,
  part: Part,
  mayBegin: () => Promise<unknown>,
): Promise<AsyncIterable<Buffer>> => {
  const pieces = openedPart(file, part);
  let first: IteratorResult<Buffer, unknown> | undefined = await pieces.next();
  try {
    await mayBegin();
  } catch (error) {
    await pieces.return(undefined);
    throw error;
  }
  const next = async (): Promise<IteratorResult<Buffer, unknown>> => {
    const piece = first ?? (await pieces.next());
    first = undefined;
    return piece;
  };
  // No generator: one that nobody has begun to read does not hear that its reader left.
  return { [Symbol.asyncIterator]: () => ({ next, return: () => pieces.return(undefined) }) };
};

async function* openedPart({ key, bytes, read }: SealedFile, part: Part): AsyncGenerator<Buffer> {
  const lastIndex = Math.max(0, Math.ceil(bytes / chunkBytes) - 1);
  const from = Math.floor(part.start / chunkBytes);
  const to = Math.min(lastIndex, Math.floor(Math.max(part.start, part.end - 1) / chunkBytes));
  const sealed = await read({ start: from * sealedBytes, end: (to + 1) * sealedBytes });
  if (sealed === undefined) throw new FileLost('an export’s file is not where it was written');
  let index = from;
  for await (const chunk of partsOf(sealed, sealedBytes)) {
    const plain = openChunk(key, index, index === lastIndex, chunk);
    const at = index * chunkBytes;
    yield plain.subarray(Math.max(0, part.start - at), Math.min(plain.length, part.end - at));
    index++;
  }
  if (index !== to + 1) throw new Error('an export’s file is cut off');
}
