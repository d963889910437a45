/**
 * `<dataDir>/postgres.log`, which PostgreSQL writes to through a descriptor it inherits. It keeps one
 * predecessor, `postgres.log.1`, and neither grows beyond the bound by much.
 */
import { copyFile, open, stat, truncate } from 'node:fs/promises';

const maxBytes = 10 * 1024 * 1024;

/** Appending writers go on at the new end after a truncation. Lines written in between are lost. */
export async function rotateLog(file: string): Promise<void> {
  const { size } = await stat(file).catch(() => ({ size: 0 }));
  if (size < maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

export const logSize = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** What was written after `offset`, at most the last 4 KB of it. */
export async function logTail(file: string, offset: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const start = Math.max(Math.min(offset, size), size - 4096);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } finally {
    await handle.close();
  }
}
