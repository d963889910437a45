/**
 * Who PostgreSQL runs as. It refuses to run as root, so root lends it another user: the owner of an
 * existing cluster, else `postgres`, made when it is missing, else `nobody`. Everybody else runs it as
 * themselves.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Identity {
  /** For `spawn`; absent when PostgreSQL runs as this process's own user. */
  readonly ids?: { readonly uid: number; readonly gid: number };
}

export const isRoot = (): boolean => process.getuid?.() === 0;

async function numericId(flag: '-u' | '-g', name: string): Promise<number | undefined> {
  try {
    const { stdout } = await run('id', [flag, name]);
    return Number(stdout.trim());
  } catch {
    return undefined;
  }
}

async function identityOf(name: string): Promise<Identity | undefined> {
  const [uid, gid] = [await numericId('-u', name), await numericId('-g', name)];
  return uid === undefined || gid === undefined || uid === 0 ? undefined : { ids: { uid, gid } };
}

const system = ['--system', '--no-create-home', '--home-dir', '/nonexistent', '--shell', '/usr/sbin/nologin'];

/** Debian's and Red Hat's command, again for where the group is there already, then BusyBox's. */
const userCommands: readonly (readonly [string, ...string[]])[] = [
  ['useradd', ...system, '--user-group', 'postgres'],
  ['useradd', ...system, '--gid', 'postgres', 'postgres'],
  ['adduser', '-S', '-D', '-H', 'postgres'],
];

async function makePostgresUser(): Promise<Identity | undefined> {
  for (const [command, ...args] of userCommands) {
    try {
      await run(command, args);
      return await identityOf('postgres');
    } catch {
      // Not on this system, or a read-only user list: the next way.
    }
  }
  return undefined;
}

export async function postgresIdentity(log: (line: string) => void): Promise<Identity> {
  if (!isRoot()) return {};
  const existing = await identityOf('postgres');
  if (existing !== undefined) return existing;
  const made = await makePostgresUser();
  if (made !== undefined) {
    log('PostgreSQL does not run as root: made the system user postgres for it');
    return made;
  }
  const nobody = await identityOf('nobody');
  if (nobody !== undefined) return nobody;
  throw new Error(
    'PostgreSQL does not run as root, and neither a user postgres could be made nor is there a user nobody. Start Quarterdeck as an ordinary user, or set DATABASE_URL.',
  );
}
