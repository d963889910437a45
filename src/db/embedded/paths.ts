/**
 * Small questions about files that the embedded server asks as root: who may enter a folder, and whether
 * one can be trusted to be nobody else's.
 */
import { spawn } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp } from 'node:fs/promises';
import path from 'node:path';
import type { Identity } from './identity.ts';

export const modeOf = (mode: number): number => mode & 0o7777;

/** The entry itself, links not followed; undefined when there is none. */
export const entryAt = (file: string) =>
  lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** Exit code of a program run as `identity`; undefined when it could not even be started. */
export function exitCode(
  program: string,
  args: readonly string[],
  identity: Identity,
): Promise<number | undefined> {
  return new Promise((resolve) => {
    try {
      const child = spawn(program, args, {
        ...identity.ids,
        cwd: '/',
        stdio: 'ignore',
        env: { LC_ALL: 'C' },
      });
      child.on('error', () => resolve(undefined));
      child.on('exit', (code) => resolve(code ?? undefined));
    } catch {
      resolve(undefined);
    }
  });
}

/** Asks the kernel, not the mode bits: access lists and mounts count too. */
export const canEnter = async (folder: string, identity: Identity): Promise<boolean> =>
  (await exitCode('/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder], identity)) === 0;

/** Lets other users pass through `folder` (not list it). */
export async function makeTraversable(folder: string): Promise<void> {
  const entry = await lstat(folder);
  if ((entry.mode & 0o001) === 0) await chmod(folder, modeOf(entry.mode) | 0o011);
}

/** A real folder of root's, into which nobody else can write: no other user can have planted it. */
export async function isRootsOwn(folder: string): Promise<boolean> {
  const entry = await entryAt(folder);
  return entry?.isDirectory() === true && entry.uid === 0 && (entry.mode & 0o022) === 0;
}

/** Where root keeps what the PostgreSQL user has to reach when it cannot enter the checkout. */
export async function sharedFolder(): Promise<string> {
  const preferred = '/var/lib/quarterdeck';
  const made = await mkdir(preferred, { mode: 0o755 }).then(
    () => chmod(preferred, 0o755).then(() => true),
    (error: NodeJS.ErrnoException) => error.code === 'EEXIST',
  );
  if (made && (await isRootsOwn(preferred))) return preferred;
  // A root file system that cannot be written to: a fresh folder under a name that nobody could guess.
  const fallback = await mkdtemp(path.join('/var/tmp', 'quarterdeck-'));
  await chmod(fallback, 0o755);
  return fallback;
}
