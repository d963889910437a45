/**
 * Files that an upload needs while it is read, in the temporary directory. Each loses its name as soon as it
 * is open, so that nothing is left of it when it is closed or its process dies, however that happens.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

export const openUnnamed = async (): Promise<FileHandle> => {
  const name = path.join(tmpdir(), `quarterdeck-upload-${randomUUID()}`);
  const handle = await open(name, 'wx+', 0o600);
  try {
    await unlink(name);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
};

/** A zip file's directory is at its end: what comes as a stream has to be whole before it can be read. */
export const spool = async (content: AsyncIterable<Uint8Array>, file: FileHandle): Promise<number> => {
  let size = 0;
  for await (const bytes of content) {
    await file.write(bytes);
    size += bytes.length;
  }
  return size;
};
