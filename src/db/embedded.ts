/**
 * The PostgreSQL that Quarterdeck brings along: a real server in `<dataDir>/postgres`, reused at the next
 * start. It survives what happens to servers: kill -9 of it or of Quarterdeck, a power loss, a port that is
 * taken, being started as root, a checkout that other users cannot enter. Should the server die while
 * Quarterdeck runs, it is started again on the same port. Two Quarterdecks never share one data directory.
 */
import { execFile } from 'node:child_process';
import { mkdir, realpath } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { QuarterdeckError } from '../errors.ts';
import { type Binaries, findBinaries } from './embedded/binaries.ts';
import { type Cluster, type ClusterPlace, createCluster, existingCluster } from './embedded/cluster.ts';
import { databaseName, ensureDatabase, roles, urlFor } from './embedded/databases.ts';
import { postgresIdentity } from './embedded/identity.ts';
import { type Passwords, passwordsFile, passwordsFor, readPasswords } from './embedded/passwords.ts';
import { disownDead, isAlive, predecessorOn } from './embedded/predecessor.ts';
import {
  defaultSettings,
  endProcess,
  type Server,
  ServerEnded,
  type ServerSettings,
  serverEnvironment,
  startServer,
} from './embedded/server.ts';
import { rotateLog } from './embedded/server-log.ts';

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** Wanted, not promised: another one is chosen when it is taken, and any free one when it is left out. */
  readonly port?: number;
  readonly log: (line: string) => void;
  /** Settings of PostgreSQL over the defaults. */
  readonly settings?: ServerSettings;
  /** How long to wait for another Quarterdeck on this data directory to end, as during a restart. */
  readonly patienceMs?: number;
}

export interface EmbeddedPostgres {
  /** The role that owns the schema; migrations run as it. */
  readonly ownerUrl: string;
  readonly applicationUrl: string;
  /** The role that the application signs in as. */
  readonly applicationRole: string;
  /** In the database `postgres`. */
  readonly superuserUrl: string;
  readonly stop: () => Promise<void>;
}

const run = promisify(execFile);

/** For the operator, who reads a sentence and no stack. */
const refused = (message: string): QuarterdeckError => new QuarterdeckError('unavailable', message);

/** A port that is free at this moment; PostgreSQL may still find it taken, which the start retries. */
function freePort(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error) => (wanted === 0 ? reject(error) : resolve(freePort(0))));
    probe.listen({ port: wanted, host: '127.0.0.1', exclusive: true }, () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

/** Builtin C.UTF-8: the same order of text on every system and after every upgrade of its libraries. */
const initdbArguments = (folder: string, passwordFile: string, settings: ServerSettings): string[] => [
  `--pgdata=${folder}`,
  '--username=postgres',
  `--pwfile=${passwordFile}`,
  '--auth=scram-sha-256',
  '--encoding=UTF8',
  '--locale=C',
  '--locale-provider=builtin',
  '--builtin-locale=C.UTF-8',
  '--data-checksums',
  ...(settings.fsync === 'off' ? ['--no-sync'] : []),
];

async function clusterIn(
  place: ClusterPlace,
  { initdb }: Binaries,
  settings: ServerSettings,
): Promise<{ cluster: Cluster; passwords: Passwords }> {
  const existing = await existingCluster(place);
  if (existing !== undefined) {
    const passwords = await readPasswords(place.dataDir);
    if (passwords !== undefined) return { cluster: existing, passwords };
    throw refused(
      `The passwords of the database in ${existing.folder} are missing: restore ${passwordsFile(place.dataDir)}.`,
    );
  }
  place.log(`Making a database in ${place.dataDir}`);
  const passwords = await passwordsFor(place.dataDir);
  const cluster = await createCluster(place, passwords.superuser, async (folder, passwordFile, identity) => {
    await run(initdb, initdbArguments(folder, passwordFile, settings), {
      ...identity.ids,
      cwd: '/',
      env: serverEnvironment,
    });
  });
  return { cluster, passwords };
}

async function goneProcess(pid: number): Promise<void> {
  while (isAlive(pid)) await sleep(50);
}

/** Makes way on the cluster, or says in a sentence who stands in it. */
async function clearTheWay(
  { folder }: Cluster,
  patienceMs: number,
  log: (line: string) => void,
): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(200)) {
    const found = await predecessorOn(folder);
    if (found.kind === 'none') return;
    if (found.kind === 'dead') return disownDead(folder);
    if (found.kind === 'orphan') {
      log(`Stopping the PostgreSQL of an earlier run (process ${found.pid})`);
      await endProcess(
        (signal) => isAlive(found.pid) && process.kill(found.pid, signal),
        goneProcess(found.pid),
      );
      continue;
    }
    if (found.kind === 'foreign') {
      throw refused(
        `A PostgreSQL that Quarterdeck did not start (process ${found.pid}) runs on ${folder}. Stop it first.`,
      );
    }
    if (Date.now() >= deadline || found.by === process.pid) {
      throw refused(
        `Another Quarterdeck (process ${found.by}) is running on ${folder}. Stop it, or give this one another QUARTERDECK_DATA_DIR.`,
      );
    }
  }
}

/** What the server's last words tell about a second try. */
function remedy(tail: string): 'another port' | 'wait' | 'less memory' | undefined {
  if (/Address already in use|could not create any TCP\/IP sockets/.test(tail)) return 'another port';
  // Backends of a killed server that have not noticed yet, or another starter that was faster.
  if (/is still in use|lock file "postmaster.pid" already exists/.test(tail)) return 'wait';
  if (/could not map anonymous shared memory/.test(tail)) return 'less memory';
  return undefined;
}

interface Start {
  readonly binaries: Binaries;
  readonly cluster: Cluster;
  readonly passwords: Passwords;
  readonly settings: ServerSettings;
  readonly logFile: string;
  readonly patienceMs: number;
  readonly log: (line: string) => void;
}

async function startOn(wantedPort: number, start: Start): Promise<Server> {
  let { settings } = start;
  let port = wantedPort;
  for (let attempt = 1; ; attempt++) {
    await clearTheWay(start.cluster, start.patienceMs, start.log);
    try {
      return await startServer({
        postgres: start.binaries.postgres,
        cluster: start.cluster,
        port: await freePort(port),
        settings,
        logFile: start.logFile,
        password: start.passwords.superuser,
      });
    } catch (error) {
      const next = error instanceof ServerEnded ? remedy(error.tail) : undefined;
      if (next === undefined || attempt === 20) throw error;
      if (next === 'another port') port = 0;
      if (next === 'less memory') settings = { ...settings, shared_buffers: '16MB' };
      if (next === 'wait') await sleep(500);
    }
  }
}

export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const { log, port = 0, patienceMs = 15_000 } = options;
  await mkdir(options.dataDir, { recursive: true });
  const dataDir = await realpath(options.dataDir);
  const place = { dataDir, identity: await postgresIdentity(log), log };
  const binaries = await findBinaries(dataDir, place.identity, log);
  const settings = { ...(await defaultSettings(binaries.postgres)), ...options.settings };
  const { cluster, passwords } = await clusterIn(place, binaries, settings);
  const logFile = path.join(dataDir, 'postgres.log');
  await rotateLog(logFile);
  const start = { binaries, cluster, passwords, settings, logFile, patienceMs, log };
  const server = await startOn(port, start);
  await ensureDatabase(server.port, passwords).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const stop = superviseServer(server, start);
  return {
    ownerUrl: urlFor(roles.owner, passwords.owner, server.port, databaseName),
    applicationUrl: urlFor(roles.application, passwords.application, server.port, databaseName),
    applicationRole: roles.application,
    superuserUrl: urlFor('postgres', passwords.superuser, server.port, 'postgres'),
    stop,
  };
}

const restartPauseMsMin = 100;
const restartPauseMsMax = 30_000;
/** A server that ran this long has recovered from what ended the one before. */
const healthyMs = 60_000;
const rotationMs = 10 * 60_000;

/** Starts the server again whenever it ends unasked, on the port that everybody was told. Returns the stop. */
function superviseServer(first: Server, start: Start): () => Promise<void> {
  let current = first;
  let stopping = false;
  const rotation = setInterval(() => rotateLog(start.logFile).catch(() => undefined), rotationMs);
  rotation.unref();

  const watch = async (): Promise<void> => {
    let pauseMs = restartPauseMsMin;
    while (!stopping) {
      const since = Date.now();
      await current.ended;
      if (stopping) return;
      pauseMs = Date.now() - since > healthyMs ? restartPauseMsMin : Math.min(pauseMs * 2, restartPauseMsMax);
      start.log(`PostgreSQL ended unexpectedly; starting it again. Its log is ${start.logFile}`);
      await sleep(pauseMs);
      if (stopping) return;
      try {
        const next = await startOn(first.port, start);
        if (next.port !== first.port) {
          await next.stop();
          throw new Error(`The port ${first.port} is taken.`);
        }
        current = next;
      } catch (error) {
        start.log(`PostgreSQL could not be started again: ${error instanceof Error ? error.message : error}`);
      }
    }
  };
  const watching = watch();

  return async () => {
    stopping = true;
    clearInterval(rotation);
    await current.stop();
    await watching;
    await current.stop();
  };
}
