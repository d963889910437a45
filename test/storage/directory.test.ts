/** What a directory promises beyond every place: through kills, to other users, and of memory. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { isLocation, openStorage } from '../../src/storage/open.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-storage-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const root = path.resolve(import.meta.dirname, '../..');

const endlessWriter = `
  import { openStorage } from ${JSON.stringify(path.join(root, 'src/storage/open.ts'))};
  const storage = await openStorage(process.argv[1]);
  async function* endless() {
    for (let n = 0; ; n++) {
      if (n === 20) process.stdout.write('writing\\n');
      yield Buffer.alloc(65_536);
    }
  }
  await storage.write('endless', endless());
`;

test('a writer that is killed leaves no file, and what it left is taken away by a later start', async () => {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', endlessWriter, folder],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } },
  );
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');

  const storage = await openStorage(folder);
  for await (const file of storage.list('')) throw new Error(`there is ${file.name}`);
  expect(await storage.stat('endless')).toBeUndefined();
  const aside = path.join(folder, '.unfinished');
  const [left = ''] = await readdir(aside);
  expect((await stat(path.join(aside, left))).size).toBeGreaterThan(0);

  const longAgo = Date.now() / 1_000 - 2 * 86_400;
  await utimes(path.join(aside, left), longAgo, longAgo);
  await openStorage(folder);
  expect(await readdir(aside)).toEqual([]);
});

test('of several that write one name at once, one wins as a whole', async () => {
  const storage = await openStorage(folder);
  async function* pieces(letter: string) {
    for (let n = 0; n < 30; n++) yield Buffer.from(letter.repeat(10_000));
  }
  await Promise.all([...'abcd'].map((letter) => storage.write('contested', pieces(letter))));
  const read: Buffer[] = [];
  for await (const piece of (await storage.read('contested')) ?? []) read.push(piece);
  expect(Buffer.concat(read).toString()).toMatch(/^(a{300000}|b{300000}|c{300000}|d{300000})$/);
});

test('what another process writes at this moment is left alone by a start', async () => {
  const storage = await openStorage(folder);
  async function* whileStarting() {
    yield Buffer.from('first ');
    await openStorage(folder);
    yield Buffer.from('second');
  }
  await storage.write('kept', whileStarting());
  expect(await storage.stat('kept')).toEqual({ bytes: 12 });
});

test('files and folders are their owner’s alone', async () => {
  const storage = await openStorage(path.join(folder, 'new'));
  await storage.write('a/b', Buffer.from('x'));
  const modeOf = async (name: string) => (await stat(path.join(folder, 'new', name))).mode & 0o777;
  expect(await Promise.all(['', 'a', 'a/b'].map(modeOf))).toEqual([0o700, 0o700, 0o600]);
});

test('a file of 256 MiB is written and read in a few of memory', async () => {
  const storage = await openStorage(folder);
  const mib = 1024 * 1024;
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const look = () => {
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  };
  async function* content() {
    for (let n = 0; n < 1_024; n++) {
      if (n % 16 === 0) look();
      yield Buffer.alloc(mib / 4, n);
    }
  }
  expect(await storage.write('large', content())).toBe(256 * mib);
  let bytes = 0;
  for await (const piece of (await storage.read('large')) ?? []) {
    if (bytes % mib === 0) look();
    bytes += piece.length;
  }
  expect(bytes).toBe(256 * mib);
  expect(most).toBeLessThan(128 * mib);
});

test('no reader that left keeps its file open', async () => {
  const storage = await openStorage(folder);
  await storage.write('left', Buffer.alloc(mibs(1)));
  for (let n = 0; n < 20; n++) for await (const _ of (await storage.read('left')) ?? []) break;
  // One that nobody began holds nothing.
  await storage.read('left');
  const open = await readdir('/proc/self/fd').catch(() => []);
  const targets = await Promise.all(
    open.map((fd) =>
      import('node:fs/promises').then(({ readlink }) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
    ),
  );
  expect(targets.filter((target) => target.startsWith(folder))).toEqual([]);
});

const mibs = (n: number): number => n * 1024 * 1024;

test.each([
  ['files', true],
  ['/var/lib/quarterdeck/files', true],
  ['s3://bucket', true],
  ['s3://bucket/some/prefix', true],
  ['s3://', false],
  ['s3://BAD_bucket', false],
  ['s3://bucket/../x y', false],
  ['gs://bucket', false],
])('%s is a place: %s', async (location, is) => {
  expect(isLocation(location)).toBe(is);
  if (!is) await expect(openStorage(location)).rejects.toThrow('neither a directory nor');
});
