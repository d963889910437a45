/**
 * Completes package-lock.json with the optional packages of other platforms. npm leaves out of the lock
 * what the registry it asked does not carry (a mirror often has one platform's binaries only), and
 * `npm ci` then calls the lock out of sync, on this machine and on every other. Run by `npm run lock`
 * after a dependency was added; what the lock says already stays, but for addresses of registries.
 *
 *     tsx scripts/complete-lock.ts [folder]
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

type Entries = Readonly<Record<string, Entry>>;

export interface Lock {
  readonly packages: Entries;
}

interface Missing {
  readonly name: string;
  readonly range: string;
  readonly dev: boolean;
}

const systems: Readonly<Record<string, string>> = {
  android: 'android',
  darwin: 'darwin',
  win32: 'win32',
  windows: 'win32',
  linux: 'linux',
  linuxmusl: 'linux',
  freebsd: 'freebsd',
  openbsd: 'openbsd',
  netbsd: 'netbsd',
  openharmony: 'openharmony',
  sunos: 'sunos',
  aix: 'aix',
};

const processors: Readonly<Record<string, string>> = {
  arm64: 'arm64',
  x64: 'x64',
  arm: 'arm',
  armv7: 'arm',
  ia32: 'ia32',
  x86: 'ia32',
  ppc64: 'ppc64',
  s390x: 's390x',
  riscv64: 'riscv64',
  loong64: 'loong64',
  mips64el: 'mips64el',
};

/** Whether `name`, required from the entry at `from`, is found where Node.js would look for it. */
const isLocked = (packages: Entries, from: string, name: string): boolean => {
  const nested = `/${from}`.split('/node_modules/');
  return nested.some((_, depth) => {
    const folder = nested.slice(0, depth + 1).join('/node_modules/');
    return `${folder}/node_modules/${name}`.slice(1) in packages;
  });
};

/** What entries name as optional and the lock does not hold. */
export const missingFrom = ({ packages }: Lock): readonly Missing[] =>
  Object.entries(packages).flatMap(([from, { optionalDependencies = {}, dev = false }]) =>
    Object.entries(optionalDependencies)
      .filter(([name]) => !isLocked(packages, from, name))
      .map(([name, range]) => ({ name, range, dev })),
  );

/** Such packages tell in their names what they are for, as in `@swc/core-linux-arm64-musl`. */
const entryOf = ({ name, range, dev }: Missing): Entry => {
  const words = name.split(/[/-]/);
  const cpu = words.map((word) => processors[word]).find((found) => found !== undefined);
  const os = words.map((word) => systems[word]).find((found) => found !== undefined);
  return {
    version: range.replace(/^[\^~]/, ''),
    ...(cpu === undefined ? {} : { cpu: [cpu] }),
    ...(dev ? { dev: true } : {}),
    ...(/musl/.test(name) ? { libc: ['musl'] } : {}),
    optional: true,
    ...(os === undefined ? {} : { os: [os] }),
  };
};

const inOrder = ([a]: readonly [string, Entry], [b]: readonly [string, Entry]): number =>
  a === '' ? -1 : b === '' ? 1 : a.localeCompare(b, 'en');

const withoutRegistry = ({ resolved: _, ...entry }: Entry): Entry => entry;

export const completed = (lock: Lock): { readonly lock: Lock; readonly added: readonly string[] } => {
  const added = missingFrom(lock).map((one) => [`node_modules/${one.name}`, entryOf(one)] as const);
  const known = Object.entries(lock.packages).map(
    ([where, entry]) => [where, withoutRegistry(entry)] as const,
  );
  const packages = Object.fromEntries([...known, ...added].sort(inOrder));
  return { lock: { ...lock, packages }, added: added.map(([where]) => where) };
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = path.join(process.argv[2] ?? '.', 'package-lock.json');
  const { lock, added } = completed(JSON.parse(readFileSync(file, 'utf8')));
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${added.length} packages of other platforms added to ${file}.`);
}
