/**
 * Before every start: builds what is older than its sources, so that a start always runs the code that
 * is there and a restart does not wait for a build.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const changedAt = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

const newestIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((newest, { parentPath, name }) => Math.max(newest, statSync(join(parentPath, name)).mtimeMs), 0);

let said = false;

const build = (what, output, sources) => {
  const sourcesAt = Math.max(changedAt('package-lock.json'), ...sources.map((source) => source()));
  if (changedAt(output) > sourcesAt) return;
  // Nothing else is heard for as long as it takes.
  if (!said) console.log('Building: the first time all of it, later what changed. It takes some seconds.');
  said = true;
  const { status } = spawnSync('npm', ['run', '--silent', `build:${what}`], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
};

build('server', 'dist/.tsbuildinfo', [() => newestIn('src'), () => changedAt('tsconfig.build.json')]);
build('console', 'dist/console/index.html', [() => newestIn('console')]);
