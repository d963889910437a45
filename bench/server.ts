/**
 * The PostgreSQL that everybody is measured on: the embedded one with its settings as they are (fsync on)
 * but for room for everybody's connections, on 127.0.0.1, in a directory that is removed afterwards. Peers get databases of their own on it.
 */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startEmbedded } from '#engine/db/embedded';
import { migrate } from '#engine/db/migrate';

/** How to connect to one database as its owner and as the application. */
export interface Place {
  readonly ownerUrl: string;
  readonly applicationUrl: string;
}

export interface BenchServer {
  readonly superuserUrl: string;
  /** A new, migrated database of ours. */
  product(name: string): Promise<Place>;
  /** A new, empty database for a peer. */
  empty(name: string): Promise<Place>;
  asSuperuser<Row extends pg.QueryResultRow>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** CPU time that all of the server's processes took so far, microseconds; undefined where /proc is not there. */
  cpuMicros(): Promise<number | undefined>;
  /** As the server reports them, for the result. */
  settings(): Promise<Readonly<Record<string, string>>>;
  stop(): Promise<void>;
}

const inDatabase = (url: string, name: string): string => {
  const changed = new URL(url);
  changed.pathname = name;
  return changed.href;
};

const told = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers'];

export const startServer = async (): Promise<BenchServer> => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'quarterdeck-bench-'));
  const postgres = await startEmbedded({
    dataDir,
    log: () => undefined,
    settings: { max_connections: '300' },
  });
  const superuser = new pg.Pool({ connectionString: postgres.superuserUrl, max: 1 });
  superuser.on('error', () => undefined);
  const asSuperuser: BenchServer['asSuperuser'] = async <Row extends pg.QueryResultRow>(
    sql: string,
    values: readonly unknown[] = [],
  ) => (await superuser.query<Row>(sql, [...values])).rows;

  const empty = async (name: string): Promise<Place> => {
    await asSuperuser(`CREATE DATABASE ${name} OWNER quarterdeck_owner`);
    return {
      ownerUrl: inDatabase(postgres.ownerUrl, name),
      applicationUrl: inDatabase(postgres.applicationUrl, name),
    };
  };

  const [row] = await asSuperuser<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const postmaster = await parentOf(row?.pid ?? 0);

  return {
    superuserUrl: postgres.superuserUrl,
    empty,
    asSuperuser,
    async product(name) {
      const place = await empty(name);
      const { applicationRole } = postgres;
      await migrate({ ownerUrl: place.ownerUrl, applicationRole, queues: true, log: () => undefined });
      return place;
    },
    cpuMicros: () => (postmaster === undefined ? Promise.resolve(undefined) : cpuOfTree(postmaster)),
    async settings() {
      const rows = await asSuperuser<{ name: string; setting: string }>(
        'SELECT name, current_setting(name) AS setting FROM pg_settings WHERE name = ANY ($1) ORDER BY name',
        [told],
      );
      return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
    },
    async stop() {
      await superuser.end();
      await postgres.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
};

/** The numbers behind the command's name in /proc/<pid>/stat; the name may hold spaces and brackets. */
const statOf = async (pid: number | string): Promise<readonly number[] | undefined> => {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return text
    ?.slice(text.lastIndexOf(')') + 4)
    .split(' ')
    .map(Number);
};

const parentOf = async (pid: number): Promise<number | undefined> => (await statOf(pid))?.[0];

/** Ticks of /proc are a hundredth of a second on every Linux that Node.js runs on. */
const microsPerTick = 10_000;

/** utime and stime; of the postmaster also those of its children that have ended. */
const ticks = (stat: readonly number[] | undefined, ended: boolean): number => {
  const [own = 0, system = 0, childOwn = 0, childSystem = 0] = stat?.slice(10, 14) ?? [];
  return own + system + (ended ? childOwn + childSystem : 0);
};

const cpuOfTree = async (postmaster: number): Promise<number> => {
  let sum = ticks(await statOf(postmaster), true);
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await statOf(entry);
    if (stat?.[0] === postmaster) sum += ticks(stat, false);
  }
  return sum * microsPerTick;
};
