/**
 * The real program for browser tests, as an operator starts it: a process of its own on a free port and
 * on a database of the tests' PostgreSQL, with the development identity provider and the console built
 * from the present sources.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { testDatabase } from '../setup/database.ts';
import { freePort } from '../setup/redis.ts';
import { until } from '../setup/until.ts';

export interface ConsoleServer {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const root = path.resolve(import.meta.dirname, '../..');

/** jest's own options for the vm are not for the programs it starts. */
const cleanEnvironment = { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'development' };

const build = async (): Promise<void> => {
  const vite = path.join(root, 'node_modules/vite/bin/vite.js');
  const child = spawn(process.execPath, [vite, 'build', 'console', '--logLevel', 'error'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...cleanEnvironment, NODE_ENV: 'production' },
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`The console could not be built: vite ended with ${code}.`);
};

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );

/** Once a run, by whichever suite comes first: a second build would take the files away from under the pages of another. */
export async function buildConsole(): Promise<void> {
  const mine = path.join(process.env.QUARTERDECK_TEST_RUN ?? '', 'console');
  const [built, failed] = [`${mine}.built`, `${mine}.failed`];
  const isFirst = await mkdir(mine).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return false;
      throw error;
    },
  );
  if (isFirst) {
    await build().catch(async (error: unknown) => {
      await writeFile(failed, '');
      throw error;
    });
    await writeFile(built, '');
  }
  await until(async () => (await isThere(built)) || (await isThere(failed)));
  if (await isThere(failed)) throw new Error('The console could not be built; another suite tells why.');
}

export async function startServer(): Promise<ConsoleServer> {
  const database = await testDatabase();
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quarterdeck-browser-'));
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...cleanEnvironment,
      DATABASE_URL: database.applicationUrl,
      QUARTERDECK_OWNER_DATABASE_URL: database.ownerUrl,
      QUARTERDECK_DATA_DIR: dataDir,
      QUARTERDECK_PORT: String(await freePort()),
    },
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await database.drop();
    await rm(dataDir, { recursive: true, force: true });
  };
  try {
    return { url: await readyUrl(child), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The address in the one line that the program prints when it is ready. */
function readyUrl(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`The server ended:\n${lines.join('\n')}`)));
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on('line', (line) => {
        if (lines.length < 200) lines.push(line);
        const url = /Quarterdeck is ready at (\S+)/.exec(line)?.[1];
        if (url !== undefined) resolve(url);
      });
    }
  });
}
