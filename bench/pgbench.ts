/** The peer that does nothing but insert: pgbench, one row a transaction, on the same server. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import type { Loaded } from './measure.ts';
import { run } from './peers.ts';
import type { Place } from './server.ts';

export const preparePgbench = async ({ ownerUrl }: Place): Promise<void> => {
  const client = new pg.Client(ownerUrl);
  await client.connect();
  await client.query(await readFile(new URL('peers/pgbench.sql', import.meta.url), 'utf8'));
  await client.end();
};

const script = fileURLToPath(new URL('peers/pgbench-insert.sql', import.meta.url));

export const pgbenchSettings = { mode: 'prepared', threads: 'at most 2', connection: 'TCP on 127.0.0.1' };

/** As many connections as clients, each with one insert at a time, prepared. */
export const pgbench = async ({ ownerUrl }: Place, clients: number, seconds: number): Promise<Loaded> => {
  const { hostname, port, username, password, pathname } = new URL(ownerUrl);
  const threads = Math.min(2, clients);
  const { stdout } = await run(
    'pgbench',
    [
      ...['--no-vacuum', '--protocol=prepared', `--file=${script}`],
      ...[`--client=${clients}`, `--jobs=${threads}`, `--time=${Math.ceil(seconds)}`],
      ...[`--host=${hostname}`, `--port=${port}`, `--username=${username}`, pathname.slice(1)],
    ],
    { env: { ...process.env, PGPASSWORD: decodeURIComponent(password) } },
  );
  const operations = Number(/number of transactions actually processed: (\d+)/.exec(stdout)?.[1]);
  const perSecond = Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
  if (Number.isNaN(operations) || Number.isNaN(perSecond)) throw new Error(`pgbench said: ${stdout}`);
  return { operations, seconds: operations / perSecond, cpuMicros: 0 };
};
