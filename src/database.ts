/**
 * The database a process works on: embedded, or the one that DATABASE_URL names; migrated, with the
 * owner's and the application's role apart.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Config } from './config.ts';
import { ConfigError } from './config.ts';
import { runningEmbedded } from './db/embedded/running.ts';
import { startEmbedded } from './db/embedded.ts';
import { whyNotLetIn } from './db/letting-in.ts';
import { migrate, pendingMigrations } from './db/migrate.ts';
import { createPool } from './db/pool.ts';
import { sqlState } from './db/sqlstate.ts';

export interface Database {
  readonly url: string;
  /** Past a pooler: LISTEN, leader locks, queues. */
  readonly directUrl: string;
  readonly embedded: boolean;
  /** Signs in as the owner of the tables. */
  readonly ownerUrl: string;
  readonly stop: () => Promise<void>;
}

type Say = (line: string) => void;

/** Opens the database and, outside production, brings it up to date (production runs `quarterdeck migrate`). */
export const openDatabase = async (config: Config, say: Say): Promise<Database> => {
  if (config.databaseUrl === undefined) return openEmbedded(config, say);
  const url = config.databaseUrl;
  await requireReached('DATABASE_URL', url);
  if (config.directDatabaseUrl !== undefined && config.directDatabaseUrl !== url)
    await requireReached('QUARTERDECK_DIRECT_DATABASE_URL', config.directDatabaseUrl);
  if (config.production) await requireMigrated(url);
  else await migrateGiven(config, say);
  const ownerUrl = config.ownerDatabaseUrl ?? url;
  const directUrl = config.directDatabaseUrl ?? url;
  return { url, directUrl, ownerUrl, embedded: false, stop: async () => undefined };
};

/** For an act of the command line: beside a service that runs on the embedded server it uses that one. */
export const openDatabaseBriefly = async (config: Config, say: Say): Promise<Database> => {
  const running = config.databaseUrl === undefined ? await runningEmbedded(config.dataDir) : undefined;
  if (running === undefined) {
    requireMade(config);
    return openDatabase(config, say);
  }
  const { url, ownerUrl } = running;
  await requireMigrated(url);
  return { url, directUrl: url, ownerUrl, embedded: true, stop: async () => undefined };
};

/** An act on a database that it had made itself would say that all is well, and of nothing. */
const requireMade = ({ databaseUrl, dataDir }: Config): void => {
  if (databaseUrl !== undefined || existsSync(join(dataDir, 'postgres'))) return;
  throw new ConfigError(
    `There is no database in ${resolve(dataDir)}: QUARTERDECK_DATA_DIR or DATABASE_URL must name the one that the service uses.`,
  );
};

const openEmbedded = async (config: Config, say: Say): Promise<Database> => {
  const server = await startEmbedded({ dataDir: config.dataDir, log: say });
  try {
    const { applicationRole } = server;
    await migrate({
      ownerUrl: server.ownerUrl,
      applicationRole,
      log: say,
      queues: config.redisUrls.length === 0,
    });
  } catch (error) {
    await server.stop();
    throw error;
  }
  const { applicationUrl: url, ownerUrl, stop } = server;
  return { url, directUrl: url, ownerUrl, embedded: true, stop };
};

/** `quarterdeck migrate`: as the schema's owner. */
export const migrateGiven = async (config: Config, say: Say): Promise<void> => {
  const url = config.databaseUrl;
  if (url === undefined) throw new ConfigError('DATABASE_URL must name the database to migrate.');
  const ownerUrl = config.ownerDatabaseUrl ?? url;
  await requireReached(config.ownerDatabaseUrl === undefined ? 'DATABASE_URL' : ownerVariable, ownerUrl);
  const queues = config.redisUrls.length === 0;
  const applicationRole = decodeURIComponent(new URL(url).username);
  await asOwner(migrate({ ownerUrl, applicationRole, log: say, queues }));
};

const ownerVariable = 'QUARTERDECK_OWNER_DATABASE_URL';
const insufficientPrivilege = '42501';

/** Work of the tables' owner, who may be told wrongly. */
export const asOwner = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    if (sqlState(error) !== insufficientPrivilege) throw error;
    throw new ConfigError(
      `${ownerVariable} must sign in as the owner of the tables (${error instanceof Error ? error.message : error}).`,
    );
  });

const requireReached = async (variable: string, url: string): Promise<void> => {
  const why = await whyNotLetIn(url);
  if (why !== undefined)
    throw new ConfigError(`${variable} names a database that does not let us in (${why}).`);
};

const requireMigrated = async (url: string): Promise<void> => {
  const pool = createPool({ url, max: 1, onError: () => undefined });
  try {
    const pending = await pendingMigrations(pool);
    if (pending.length === 0) return;
    throw new ConfigError(
      `The database lacks ${pending.join(', ')}: run "quarterdeck migrate" as its owner first.`,
    );
  } finally {
    await pool.end();
  }
};
