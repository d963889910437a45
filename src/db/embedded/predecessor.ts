/**
 * What `postmaster.pid` in a cluster says about a server that ran, or runs, on it: none, one that died
 * (power loss, kill -9), one whose Quarterdeck died without stopping it, one of a living Quarterdeck, or
 * one that somebody else started.
 *
 * The answer needs no lock file of ours: we start PostgreSQL with our process id in its `cluster_name`,
 * and while we live we are its parent.
 */
import { execFile } from 'node:child_process';
import { readFile, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type Predecessor =
  | { readonly kind: 'none' }
  /** The recorded process is gone or another program by now. */
  | { readonly kind: 'dead' }
  | { readonly kind: 'orphan'; readonly pid: number }
  | { readonly kind: 'owned'; readonly pid: number; readonly by: number }
  | { readonly kind: 'foreign'; readonly pid: number };

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Not ours to signal, yet there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

const marker = 'cluster_name=quarterdeck_';

/** The server's argument that names this process as its parent. */
export const markedAsOurs = (): string => `${marker}${process.pid}`;

interface Running {
  readonly parent: number;
  readonly command: string;
  readonly folder: string | undefined;
}

async function fromProc(pid: number): Promise<Running> {
  const [status, command, folder] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    readFile(`/proc/${pid}/cmdline`, 'utf8'),
    readlink(`/proc/${pid}/cwd`).catch(() => undefined),
  ]);
  // The second field is the program's name in brackets, which may itself hold brackets and spaces.
  const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ');
  if (state === 'Z') throw new Error('a zombie');
  return { parent: Number(parent), command: command.replaceAll('\0', ' '), folder };
}

async function fromPs(pid: number): Promise<Running> {
  const { stdout } = await run('ps', ['-ww', '-o', 'ppid=,command=', '-p', String(pid)]);
  const match = /^\s*(\d+)\s+(.*)$/s.exec(stdout);
  if (match === null) throw new Error('no such process');
  return { parent: Number(match[1]), command: match[2] ?? '', folder: undefined };
}

const running = (pid: number): Promise<Running | undefined> =>
  (process.platform === 'linux' ? fromProc(pid) : fromPs(pid)).catch(() => undefined);

const pidFile = (folder: string): string => path.join(folder, 'postmaster.pid');

const isServerOn = (folder: string, { command, folder: current }: Running): boolean =>
  path.basename(command.split(' ', 1)[0] ?? '').startsWith('postgres') &&
  (current === folder || command.includes(folder));

export async function predecessorOn(folder: string): Promise<Predecessor> {
  const recorded = await readFile(pidFile(folder), 'utf8').catch(() => undefined);
  if (recorded === undefined) return { kind: 'none' };
  const pid = Math.abs(Number.parseInt(recorded, 10));
  const found = pid > 0 ? await running(pid) : undefined;
  if (found === undefined || !isServerOn(folder, found)) return { kind: 'dead' };
  const starter = new RegExp(`${marker}(\\d+)`).exec(found.command)?.[1];
  if (starter === undefined) return { kind: 'foreign', pid };
  return Number(starter) === found.parent
    ? { kind: 'owned', pid, by: found.parent }
    : { kind: 'orphan', pid };
}

/**
 * PostgreSQL takes any living process with the recorded id (of the same user) for a server. Putting our
 * own id there settles that, since it knows that its parent is none; and unlike deleting the file it
 * keeps the record of the shared memory, by which PostgreSQL notices orphaned backends of the dead server.
 */
export async function disownDead(folder: string): Promise<void> {
  const recorded = await readFile(pidFile(folder), 'utf8').catch(() => undefined);
  if (recorded === undefined) return;
  await writeFile(pidFile(folder), recorded.replace(/^-?\d*/, String(process.pid)), { flag: 'r+' });
}
