/**
 * One run of the PostgreSQL server on a cluster: started on 127.0.0.1 alone, in a session of its own so
 * that Ctrl-C in the terminal reaches Quarterdeck only, and stopped by a fast shutdown.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { sqlState } from '../sqlstate.ts';
import type { Cluster } from './cluster.ts';
import { markedAsOurs } from './predecessor.ts';
import { logSize, logTail } from './server-log.ts';

export type ServerSettings = Readonly<Record<string, string>>;

export interface ServerStart {
  readonly postgres: string;
  readonly cluster: Cluster;
  readonly port: number;
  readonly settings: ServerSettings;
  readonly logFile: string;
  /** Of the superuser, with which readiness is asked. */
  readonly password: string;
}

export interface Server {
  readonly port: number;
  readonly pid: number;
  readonly running: () => boolean;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The server ended before it was ready; `tail` is what it wrote. */
export class ServerEnded extends Error {
  readonly tail: string;

  constructor(tail: string) {
    super(`The embedded PostgreSQL did not start. Its last words:\n${tail}`);
    this.tail = tail;
  }
}

/** Our own environment may hold PGDATA, PGPORT and a locale that the server must not see. */
export const serverEnvironment = { LC_ALL: 'C', TZ: 'UTC', PATH: process.env.PATH ?? '/usr/bin:/bin' };

/** Fits a small machine; durability is never traded away here. */
export async function defaultSettings(postgres: string): Promise<ServerSettings> {
  const hasLz4 = (await readFile(postgres)).includes('LZ4_compress_default');
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    shared_buffers: '256MB',
    effective_cache_size: '1GB',
    work_mem: '16MB',
    maintenance_work_mem: '128MB',
    // Containers often have 64 MB of /dev/shm, which parallel queries outgrow.
    max_parallel_workers_per_gather: '0',
    jit: 'off',
    wal_level: 'replica',
    max_wal_size: '2GB',
    checkpoint_timeout: '15min',
    wal_compression: hasLz4 ? 'lz4' : 'off',
    fsync: 'on',
    synchronous_commit: 'on',
    random_page_cost: '1.1',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    log_checkpoints: 'off',
  };
}

const settingArguments = (settings: ServerSettings): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}

async function launch({ postgres, cluster, port, settings, logFile }: ServerStart): Promise<Launched> {
  const log = await open(logFile, 'a', 0o600);
  try {
    const child = spawn(
      postgres,
      ['-D', cluster.folder, '-p', String(port), '-c', markedAsOurs(), ...settingArguments(settings)],
      {
        ...cluster.identity.ids,
        cwd: '/',
        env: serverEnvironment,
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    );
    // Listened for from its first moment: a server with a broken configuration ends before the next await does.
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.unref();
    await once(child, 'spawn');
    child.on('error', () => undefined);
    return { child, ended };
  } finally {
    await log.close();
  }
}

type Answer = 'ready' | 'starting';

async function ask(port: number, password: string): Promise<Answer> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: 'postgres',
    password,
    database: 'postgres',
    connectionTimeoutMillis: 5_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return 'ready';
  } catch (error) {
    // 57P03: it is starting, or recovering. Any other refusal of a server will not end by waiting.
    const refusal = sqlState(error);
    if (refusal !== undefined && refusal !== '57P03') throw error;
    return 'starting';
  } finally {
    await client.end().catch(() => undefined);
  }
}

const fastShutdown = 'SIGINT';
const immediateShutdown = 'SIGQUIT';
const patienceMs = 60_000;

/** Fast shutdown; an immediate one, which the next start recovers from, when that hangs. */
export async function endProcess(
  kill: (signal: NodeJS.Signals) => void,
  ended: Promise<void>,
): Promise<void> {
  const timer = setTimeout(() => kill(immediateShutdown), patienceMs);
  try {
    kill(fastShutdown);
    await ended;
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves when the server takes connections, however long it recovers from a crash before. */
export async function startServer(start: ServerStart): Promise<Server> {
  const before = await logSize(start.logFile);
  const { child, ended } = await launch(start);
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  const server: Server = {
    port: start.port,
    pid: child.pid ?? 0,
    running: alive,
    ended,
    stop: () => (alive() ? endProcess((signal) => child.kill(signal), ended) : ended),
  };
  try {
    while (alive() && (await ask(start.port, start.password)) === 'starting') await sleep(50);
  } catch (cause) {
    // Another program that took the port first refuses us too; then ours has ended by itself.
    await Promise.race([ended, sleep(500)]);
    if (alive()) {
      await server.stop();
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`The database in ${start.cluster.folder} refuses its superuser: ${reason}`, { cause });
    }
  }
  if (!alive()) throw new ServerEnded(await logTail(start.logFile, before));
  return server;
}
