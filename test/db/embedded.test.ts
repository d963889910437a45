/**
 * The embedded server under the accidents that happen to it. As root these tests also cover its own user
 * and folders which that user cannot enter; elsewhere those are left out by name.
 */
import { spawn } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { once } from 'node:events';
import {
  chmod,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbedded } from '../../src/db/embedded.ts';
import { describeWhere } from '../setup/needs.ts';
import { until } from '../setup/until.ts';

const quick = { fsync: 'off', shared_buffers: '16MB' };

let parent: string;
let dataDir: string;
beforeEach(async () => {
  parent = await mkdtemp(path.join(tmpdir(), 'quarterdeck-embedded-'));
  await chmod(parent, 0o755);
  dataDir = path.join(parent, 'data');
});
afterEach(async () => {
  const cluster = await realpath(path.join(dataDir, 'postgres')).catch(() => undefined);
  if (cluster !== undefined) await rm(cluster, { recursive: true });
  await rm(parent, { recursive: true });
});

const start = (options: { port?: number; lines?: string[]; patienceMs?: number; dir?: string } = {}) =>
  startEmbedded({
    dataDir: options.dir ?? dataDir,
    log: (line) => options.lines?.push(line),
    settings: quick,
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.patienceMs === undefined ? {} : { patienceMs: options.patienceMs }),
  });

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const pidFile = () => path.join(dataDir, 'postgres', 'postmaster.pid');
const postmaster = async (): Promise<number> => Number.parseInt(await readFile(pidFile(), 'utf8'), 10);
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const remember = (postgres: EmbeddedPostgres) =>
  query(postgres.ownerUrl, 'CREATE TABLE memory AS SELECT 42 AS answer; SELECT 1');
const recall = async (postgres: EmbeddedPostgres) =>
  expect(await query(postgres.ownerUrl, 'SELECT answer FROM memory')).toEqual([{ answer: 42 }]);

/** Starts the server in another process, as a Quarterdeck that can be killed. */
async function startElsewhere() {
  const script = `
    import { startEmbedded } from './src/db/embedded.ts';
    const postgres = await startEmbedded({ dataDir: ${JSON.stringify(dataDir)}, log: () => {}, settings: ${JSON.stringify(quick)} });
    console.log(JSON.stringify(postgres));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, postgres: JSON.parse(line) as EmbeddedPostgres };
}

describe('The embedded PostgreSQL', () => {
  test('keeps its data and passwords for the next start', async () => {
    const first = await start();
    await remember(first);
    await first.stop();
    const second = await start();
    await recall(second);
    await second.stop();
  });

  test('listens on the loopback address alone, without a Unix socket', async () => {
    const postgres = await start();
    expect(
      await query(
        postgres.superuserUrl,
        `SELECT current_setting('listen_addresses') AS addresses,
                current_setting('unix_socket_directories') AS sockets,
                current_setting('data_checksums') AS checksums`,
      ),
    ).toEqual([{ addresses: '127.0.0.1', sockets: '', checksums: 'on' }]);
    await postgres.stop();
  });

  test('orders text by code point in UTF-8', async () => {
    const postgres = await start();
    expect(
      await query(
        postgres.applicationUrl,
        `SELECT string_agg(t, '' ORDER BY t) AS sorted, current_setting('server_encoding') AS encoding
           FROM unnest(ARRAY['b', 'Z', 'é', 'a']) AS t`,
      ),
    ).toEqual([{ sorted: 'Zabé', encoding: 'UTF8' }]);
    await postgres.stop();
  });

  test('keeps its secrets to its user', async () => {
    const postgres = await start();
    const { mode } = await stat(path.join(dataDir, 'postgres-passwords.json'));
    expect(mode & 0o777).toBe(0o600);
    const intruder = new URL(postgres.applicationUrl);
    intruder.password = 'guessed';
    await expect(query(intruder.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await postgres.stop();
  });

  test('takes another port when the wanted one is taken', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const address = squatter.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    const postgres = await start({ port: taken });
    expect(Number(new URL(postgres.ownerUrl).port)).not.toBe(taken);
    await query(postgres.applicationUrl, 'SELECT 1');
    await postgres.stop();
    squatter.close();
  });

  test('is started again on the same port when it is killed under a living Quarterdeck', async () => {
    const postgres = await start();
    await remember(postgres);
    process.kill(await postmaster(), 'SIGKILL');
    await until(() =>
      query(postgres.ownerUrl, 'SELECT answer FROM memory').then(
        () => true,
        () => false,
      ),
    );
    await recall(postgres);
    await postgres.stop();
  });

  test('stops the server that a killed Quarterdeck left behind, and loses nothing', async () => {
    const killed = await startElsewhere();
    await remember(killed.postgres);
    const orphan = await postmaster();
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    expect(alive(orphan)).toBe(true);
    const next = await start();
    expect(alive(orphan)).toBe(false);
    await recall(next);
    await next.stop();
  });

  test('survives kill -9 of everything, with the stale pid file that this leaves', async () => {
    const killed = await startElsewhere();
    await remember(killed.postgres);
    const server = await postmaster();
    // Stopped first, so that it cannot start the server again in between.
    killed.child.kill('SIGSTOP');
    process.kill(server, 'SIGKILL');
    killed.child.kill('SIGKILL');
    await once(killed.child, 'exit');
    expect(await postmaster()).toBe(server);
    const next = await start();
    await recall(next);
    await next.stop();
  });

  test('survives a stale pid file whose process id now belongs to another program', async () => {
    const first = await start();
    await remember(first);
    const record = await readFile(pidFile(), 'utf8');
    await first.stop();
    // Of the user that PostgreSQL runs as: PostgreSQL itself ignores the processes of other users.
    const { uid, gid } = await stat(path.join(dataDir, 'postgres'));
    const bystander = spawn('/bin/sleep', ['600'], {
      cwd: '/',
      ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    });
    await once(bystander, 'spawn');
    await writeFile(pidFile(), record.replace(/^\d+/, String(bystander.pid)));
    const next = await start();
    await recall(next);
    expect(bystander.exitCode).toBeNull();
    await next.stop();
    bystander.kill('SIGKILL');
  });

  test('belongs to one Quarterdeck at a time: the second one says who has it', async () => {
    const first = await startElsewhere();
    await expect(start({ patienceMs: 300 })).rejects.toThrow(
      `Another Quarterdeck (process ${first.child.pid}) is running on`,
    );
    await query(first.postgres.applicationUrl, 'SELECT 1');
    first.child.kill('SIGKILL');
    await once(first.child, 'exit');
    await (await start()).stop();
  });

  test('waits for a Quarterdeck that is just ending, as during a restart', async () => {
    const first = await start();
    await remember(first);
    const other = startElsewhere();
    await query(first.ownerUrl, 'SELECT pg_sleep(0.5)');
    await first.stop();
    const { child, postgres } = await other;
    await recall(postgres);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await (await start()).stop();
  });

  test('begins anew when its making was interrupted, and clears the remains away', async () => {
    const gone = spawn('/bin/true');
    await once(gone, 'exit');
    const remains = path.join(dataDir, `postgres.new-${gone.pid}`);
    await mkdir(remains, { recursive: true });
    await writeFile(path.join(remains, 'PG_VERSION'), '18\n');
    const postgres = await start();
    await query(postgres.applicationUrl, 'SELECT 1');
    await postgres.stop();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-passwords.json', 'postgres.log']);
  });

  test('fills an empty folder, and touches no folder that holds something else', async () => {
    await mkdir(path.join(dataDir, 'postgres'), { recursive: true });
    await (await start()).stop();
    const other = path.join(parent, 'other');
    await mkdir(path.join(other, 'postgres'), { recursive: true });
    await writeFile(path.join(other, 'postgres', 'diary.txt'), 'mine\n');
    await expect(start({ dir: other })).rejects.toThrow('holds files, but not a database');
    expect(await readdir(path.join(other, 'postgres'))).toEqual(['diary.txt']);
  });

  test('says so when the passwords beside it are another database’s', async () => {
    await (await start()).stop();
    const file = path.join(dataDir, 'postgres-passwords.json');
    const passwords = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...passwords, superuser: 'another' }));
    await expect(start()).rejects.toThrow('refuses its superuser');
    await writeFile(file, JSON.stringify(passwords));
    await (await start()).stop();
  });

  test('is made once when two make it at the same time', async () => {
    const [first, second] = await Promise.allSettled([start({ patienceMs: 0 }), start({ patienceMs: 0 })]);
    const started = [first, second].filter((result) => result.status === 'fulfilled');
    const refused = [first, second].filter((result) => result.status === 'rejected');
    expect(started).toHaveLength(1);
    expect(String(refused[0]?.reason)).toContain('Another Quarterdeck');
    for (const { value } of started) await value.stop();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres-passwords.json', 'postgres.log']);
  });

  test('says why it does not start, in its own last words', async () => {
    await (await start()).stop();
    await writeFile(path.join(dataDir, 'postgres', 'postgresql.conf'), 'nonsense = 1\n');
    await expect(start()).rejects.toThrow('unrecognized configuration parameter "nonsense"');
  });

  test('says so too when it ended while Quarterdeck was busy', async () => {
    await (await start()).stop();
    await writeFile(path.join(dataDir, 'postgres', 'postgresql.conf'), 'nonsense = 1\n');
    const refused = start().then(
      () => 'started',
      (error: unknown) => String(error),
    );
    let waiting = true;
    // Every file operation of the start queues behind these, far longer than PostgreSQL takes to give up.
    const busy = Array.from({ length: 8 }, async () => {
      while (waiting) await promisify(pbkdf2)('a', 'b', 60_000, 64, 'sha512');
    });
    expect(await refused.finally(() => (waiting = false))).toContain('unrecognized configuration parameter');
    await Promise.all(busy);
  });
});

const rootOnly = {
  missing: process.getuid?.() === 0 ? undefined : 'only root starts PostgreSQL as another user',
  installable: false,
};

describeWhere(rootOnly, 'The embedded PostgreSQL of root', () => {
  test('runs as another user', async () => {
    const postgres = await start();
    const { uid } = await stat(`/proc/${await postmaster()}`);
    expect(uid).not.toBe(0);
    await postgres.stop();
  });

  test.each(['its own', 'a parent'])('starts where %s folder is closed to other users', async (which) => {
    await mkdir(dataDir);
    await chmod(which === 'its own' ? dataDir : parent, 0o700);
    const first = await start();
    await remember(first);
    await first.stop();
    const second = await start();
    await recall(second);
    await second.stop();
    const linked = (await lstat(path.join(dataDir, 'postgres'))).isSymbolicLink();
    expect(linked).toBe(which === 'a parent');
    // The closed parent stays closed.
    if (which === 'a parent') expect((await stat(parent)).mode & 0o777).toBe(0o700);
  });

  test('moves its data when the folder is closed later', async () => {
    const first = await start();
    await remember(first);
    await first.stop();
    await chmod(parent, 0o700);
    const second = await start();
    await recall(second);
    await second.stop();
  });

  test('takes over a cluster that root copied', async () => {
    const first = await start();
    await remember(first);
    await first.stop();
    const copy = path.join(parent, 'copy');
    await cp(dataDir, copy, { recursive: true });
    expect((await stat(path.join(copy, 'postgres'))).uid).toBe(0);
    const second = await start({ dir: copy });
    await recall(second);
    await second.stop();
  });

  test('is not shared by a copy of a data directory that links to it', async () => {
    await chmod(parent, 0o700);
    await (await start()).stop();
    const copy = path.join(parent, 'copy');
    await cp(dataDir, copy, { recursive: true, verbatimSymlinks: true });
    await expect(start({ dir: copy })).rejects.toThrow(`is a copy of ${await realpath(dataDir)}`);
  });

  test('leaves nothing half-made beside its data', async () => {
    await chmod(parent, 0o700);
    await (await start()).stop();
    const folder = path.dirname(await realpath(path.join(dataDir, 'postgres')));
    const own = path.basename(await realpath(path.join(dataDir, 'postgres')));
    expect((await readdir(folder)).filter((name) => name.startsWith(`${own}.new`))).toEqual([]);
    expect((await stat(folder)).mode & 0o022).toBe(0);
  });
});
