/**
 * Files in a directory. One is written aside, flushed to the disk, moved to its place, and the directory that
 * names it is flushed too. Whoever is killed meanwhile leaves what nobody lists; a later start takes it away.
 * Readable by their owner alone.
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  type ByteRange,
  type Content,
  requireName,
  requirePrefix,
  type Storage,
  type StoredFile,
} from './storage.ts';

/** On the same file system as the files, so that moving is one step. No file is named so: none begins with a dot. */
const unfinished = '.unfinished';
/** No writer is without a byte for so long. */
const abandonedMs = 24 * 60 * 60_000;
const readBytes = 64 * 1024;

const codeOf = (error: unknown): unknown => (error as NodeJS.ErrnoException | undefined)?.code;

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

const unlessMissing = async <T>(work: Promise<T>): Promise<T | undefined> => {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** So that the entry of a file that was moved there survives a loss of power. */
const flushDirectory = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const makeFolder = (folder: string): Promise<unknown> => mkdir(folder, { recursive: true, mode: 0o700 });

async function* piecesOf(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  try {
    for (let at = start; at < end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, end - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

/** Nothing is held open before the first piece is asked for: an iteration that nobody begins ends nowhere. */
async function* rangeOf(file: string, range: ByteRange, bytes: number): AsyncGenerator<Buffer> {
  const handle = await open(file, 'r');
  yield* piecesOf(handle, range.start ?? 0, Math.min(range.end ?? bytes, bytes));
}

async function* filesBelow(root: string, folder: string): AsyncGenerator<StoredFile> {
  const entries = await unlessMissing(opendir(path.join(root, folder)));
  if (entries === undefined) return;
  for await (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* filesBelow(root, name);
    // Taken away since it was listed: as if it had been before.
    const found = entry.isFile() ? await unlessMissing(stat(path.join(root, name))) : undefined;
    if (found !== undefined) yield { name, bytes: found.size };
  }
}

const dropAbandoned = async (folder: string): Promise<void> => {
  const entries = await unlessMissing(opendir(folder));
  if (entries === undefined) return;
  for await (const { name } of entries) {
    const file = path.join(folder, name);
    const found = await unlessMissing(stat(file));
    if (found !== undefined && Date.now() - found.mtimeMs > abandonedMs) await rm(file, { force: true });
  }
};

export const openDirectory = async (directory: string): Promise<Storage> => {
  const root = path.resolve(directory);
  const aside = path.join(root, unfinished);
  await makeFolder(aside);
  await dropAbandoned(aside);

  const placeOf = (name: string): string => path.join(root, requireName(name));

  const sizeOf = async (name: string): Promise<number | undefined> => {
    const found = await unlessMissing(stat(placeOf(name)));
    return found?.isFile() === true ? found.size : undefined;
  };

  /** @returns its size, when it is on the disk. */
  const writeAside = async (file: string, content: Content): Promise<number> => {
    const handle = await open(file, 'wx', 0o600);
    try {
      if (Buffer.isBuffer(content)) await handle.writeFile(content);
      // Each piece is written whole, behind the one before.
      else for await (const piece of content) await handle.writeFile(piece);
      await handle.sync();
      return (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  };

  return {
    async write(name, content) {
      const place = placeOf(name);
      const file = path.join(aside, randomUUID());
      try {
        const bytes = await writeAside(file, content);
        const folder = path.dirname(place);
        await makeFolder(folder);
        await rename(file, place);
        await flushDirectory(folder);
        return bytes;
      } catch (error) {
        await rm(file, { force: true });
        throw error;
      }
    },
    async read(name, range = {}) {
      const bytes = await sizeOf(name);
      return bytes === undefined ? undefined : rangeOf(placeOf(name), range, bytes);
    },
    async stat(name) {
      const bytes = await sizeOf(name);
      return bytes === undefined ? undefined : { bytes };
    },
    async *list(prefix) {
      requirePrefix(prefix);
      const folder = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
      for await (const file of filesBelow(root, folder)) if (file.name.startsWith(prefix)) yield file;
    },
    async remove(name) {
      await unlessMissing(rm(placeOf(name)));
    },
    close: () => undefined,
  };
};
