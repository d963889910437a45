/**
 * The data of the embedded server: `<dataDir>/postgres`. Under root, when the user that PostgreSQL runs
 * as cannot reach the data directory (root's home, say), the data lies in `/var/lib/quarterdeck` and
 * `<dataDir>/postgres` is a link to it. A cluster appears under its name only when it is complete.
 */
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { type Identity, isRoot } from './identity.ts';
import { canEnter, entryAt, makeTraversable, sharedFolder } from './paths.ts';
import { isAlive } from './predecessor.ts';

const run = promisify(execFile);

export interface Cluster {
  /** The real folder, links resolved. */
  readonly folder: string;
  readonly identity: Identity;
}

export interface ClusterPlace {
  /** Resolved, made if missing. */
  readonly dataDir: string;
  readonly identity: Identity;
  readonly log: (line: string) => void;
}

/** Beside a relocated cluster's files: the data directory it belongs to. */
const homeFile = (folder: string): string => path.join(folder, 'quarterdeck_data_dir');

const nameOf = (dataDir: string): string => path.join(dataDir, 'postgres');

const prefixFor = (dataDir: string): string =>
  `data-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}-`;

const reachable = async ({ dataDir, identity }: ClusterPlace): Promise<boolean> => {
  if (identity.ids === undefined) return true;
  await makeTraversable(dataDir);
  return canEnter(dataDir, identity);
};

async function newFolderName(place: ClusterPlace): Promise<string> {
  if (await reachable(place)) return nameOf(place.dataDir);
  const base = await sharedFolder();
  const prefix = prefixFor(place.dataDir);
  for (const name of await readdir(base)) {
    if (!name.startsWith(prefix) || name.includes('.new-')) continue;
    place.log(`An earlier database of ${place.dataDir} is still in ${path.join(base, name)}`);
  }
  return path.join(base, `${prefix}${randomBytes(4).toString('hex')}`);
}

/** A copied checkout links to the database of the original, which only one of them may have. */
async function checkHome(dataDir: string, folder: string): Promise<void> {
  const home = (await readFile(homeFile(folder), 'utf8').catch(() => dataDir)).trim();
  if (home === dataDir) return;
  const stillThere = await realpath(nameOf(home)).catch(() => undefined);
  if (stillThere === folder) {
    throw new Error(
      `${dataDir} is a copy of ${home}, to which the database in ${folder} belongs. Delete ${dataDir} to start with an empty database there.`,
    );
  }
  await writeFile(homeFile(folder), `${dataDir}\n`);
}

async function linkTo(dataDir: string, folder: string, identity: Identity): Promise<void> {
  await writeFile(homeFile(folder), `${dataDir}\n`);
  if (identity.ids !== undefined) await chown(homeFile(folder), identity.ids.uid, identity.ids.gid);
  await symlink(folder, nameOf(dataDir));
}

/** A cluster that was made in place, in a folder that has become closed to PostgreSQL's user. */
async function moveAway(place: ClusterPlace, folder: string): Promise<string> {
  const target = await newFolderName(place);
  place.log(`Moving the database to ${target}, where PostgreSQL can reach it`);
  // `mv` crosses file systems and keeps owners and modes.
  await run('mv', ['--', folder, target]);
  await linkTo(place.dataDir, target, place.identity);
  return target;
}

/** Root runs an existing cluster as its owner; one that root itself owns (copied by root) changes hands. */
async function identityFor(folder: string, fallback: Identity): Promise<Identity> {
  const { uid, gid } = await stat(folder);
  if (!isRoot()) {
    if (uid === process.getuid?.()) return {};
    throw new Error(
      `The database in ${folder} belongs to another user (uid ${uid}). Start Quarterdeck as that user or as root.`,
    );
  }
  if (uid !== 0) return { ids: { uid, gid } };
  if (fallback.ids !== undefined) {
    await run('chown', ['-R', `${fallback.ids.uid}:${fallback.ids.gid}`, '--', folder]);
  }
  return fallback;
}

/** False for an empty folder, such as a fresh volume, which a new cluster may replace. */
async function holdsCluster(folder: string): Promise<boolean> {
  const names = await readdir(folder);
  if (names.includes('PG_VERSION')) return true;
  if (names.length === 0) return false;
  throw new Error(
    `${folder} holds files, but not a database. Move them away, or choose another QUARTERDECK_DATA_DIR.`,
  );
}

export async function existingCluster(place: ClusterPlace): Promise<Cluster | undefined> {
  const name = nameOf(place.dataDir);
  const entry = await entryAt(name);
  if (entry === undefined) return undefined;
  const folder = await realpath(name).catch(() => {
    throw new Error(
      `${name} links to a folder that is gone. Restore it, or delete ${place.dataDir} to start with an empty database.`,
    );
  });
  if (!(await holdsCluster(folder))) return undefined;
  const identity = await identityFor(folder, place.identity);
  if (entry.isSymbolicLink()) {
    await checkHome(place.dataDir, folder);
    return { folder, identity };
  }
  const here = { ...place, identity };
  return { folder: (await reachable(here)) ? folder : await moveAway(here, folder), identity };
}

export type Initialise = (folder: string, passwordFile: string, identity: Identity) => Promise<void>;

/** Gives the finished draft its name; false when another process has made the cluster meanwhile. */
async function publish(place: ClusterPlace, draft: string, folder: string): Promise<boolean> {
  const taken = (error: NodeJS.ErrnoException) => {
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(error.code ?? '')) throw error;
    return false;
  };
  const renamed = await rename(draft, folder).then(() => true, taken);
  if (!renamed || folder === nameOf(place.dataDir)) return renamed;
  return linkTo(place.dataDir, folder, place.identity).then(() => true, taken);
}

/** What a starter that was killed while it made the cluster has left. */
async function removeDeadDrafts(folder: string): Promise<void> {
  const prefix = `${path.basename(folder)}.new-`;
  for (const name of await readdir(path.dirname(folder))) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    await rm(path.join(path.dirname(folder), name), { recursive: true, force: true });
  }
}

export async function createCluster(
  place: ClusterPlace,
  password: string,
  initialise: Initialise,
): Promise<Cluster> {
  const folder = await newFolderName(place);
  const draft = `${folder}.new-${process.pid}-${randomBytes(4).toString('hex')}`;
  const passwordFile = `${draft}-password`;
  await removeDeadDrafts(folder);
  try {
    await mkdir(draft, { mode: 0o700 });
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    const { ids } = place.identity;
    if (ids !== undefined) {
      await chown(draft, ids.uid, ids.gid);
      await chown(passwordFile, ids.uid, ids.gid);
    }
    await initialise(draft, passwordFile, place.identity);
    if (!(await publish(place, draft, folder))) place.log('Another process has made the database meanwhile');
  } finally {
    await rm(passwordFile, { force: true });
    await rm(draft, { recursive: true, force: true });
  }
  const cluster = await existingCluster(place);
  if (cluster === undefined) throw new Error(`The database in ${folder} has disappeared.`);
  return cluster;
}
