/** How the program is started: the same settings of V8 wherever it is, and a build that says so where one is due. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): Promise<string> => readFile(path.join(root, file), 'utf8');

test('the image starts the program as `npm start` does', async () => {
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: { start: string } };
  const entry = /^ENTRYPOINT (.+)$/m.exec(await read('Dockerfile'))?.[1] ?? '[]';
  expect((JSON.parse(entry) as string[]).join(' ')).toBe(scripts.start);
});

test('a start says that it builds, once, and only where something is newer than the last build', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'quarterdeck-start-'));
  const write = async (file: string, text = ''): Promise<void> => {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  };
  const built = (file: string) => `node -e "require('fs').cpSync('package.json', '${file}')"`;
  const scripts = {
    'build:server': built('dist/.tsbuildinfo'),
    'build:console': built('dist/console/index.html'),
  };
  await write('package.json', JSON.stringify({ scripts }));
  for (const file of ['package-lock.json', 'tsconfig.build.json', 'src/main.ts', 'console/index.html'])
    await write(file);
  const script = path.join(folder, 'scripts/build-stale.mjs');
  await cp(path.join(root, 'scripts/build-stale.mjs'), script);
  const start = async () => (await promisify(execFile)(process.execPath, [script])).stdout;
  const line = expect.stringMatching(/^Building: [^\n]*\n$/);
  expect(await start()).toEqual(line);
  expect(await start()).toBe('');
  await write('console/index.html', 'changed');
  expect(await start()).toEqual(line);
  expect(await start()).toBe('');
  await rm(folder, { recursive: true });
});
