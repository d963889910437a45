/**
 * A process of this repository's service: Config, database, the engine with the reference domain, HTTP,
 * demo. With the acts of the command line (acts.ts) the only place that reads Config.
 */
import { readFile } from 'node:fs/promises';
import { type Config, ConfigError } from './config.ts';
import { type Database, openDatabase } from './database.ts';
import { ownsEvents } from './db/migrate.ts';
import { createPool, type Db } from './db/pool.ts';
import { importDemo } from './demo.ts';
import { areas } from './domain/index.ts';
import type { Duties } from './engine-options.ts';
import { lastMoved } from './events/archived.ts';
import { localMasterKeys } from './events/master-keys.ts';
import { keepsPersonalData } from './events/rewrapping.ts';
import { createLogger } from './http/log.ts';
import { createDoor, type Door, type Listening, listenOn } from './http/server.ts';
import { openTls, type Tls } from './http/tls.ts';
import { masterKeyIn } from './keys.ts';
import { createQuarterdeck, type Quarterdeck } from './quarterdeck.ts';
import { foreignEnvironment } from './standing.ts';

type Say = (line: string) => void;

export interface Service {
  readonly url: string;
  /** Drains: takes no more, finishes what was accepted, ends. */
  stop(): Promise<void>;
}

const duties: Readonly<Record<Config['role'], Duties>> = {
  all: { project: true, work: true },
  api: { project: false, work: false },
  worker: { project: false, work: true },
  projector: { project: true, work: false },
};

const drainMs = 15_000;

export const startService = async (config: Config, say: Say): Promise<Service> => {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of opened.toReversed()) await end();
  };
  try {
    const database = await openDatabase(config, say);
    opened.push(database.stop);
    return await serve(config, database, say, opened, close);
  } catch (error) {
    await close();
    throw error;
  }
};

const serve = async (
  config: Config,
  database: Database,
  say: Say,
  opened: (() => Promise<void>)[],
  close: () => Promise<void>,
): Promise<Service> => {
  const pool = await openPool(config, database);
  opened.push(() => pool.end());
  // The port comes first: the public URL, which providers and cookies depend on, may follow from it.
  const door = createDoor();
  const onTlsError = (error: unknown) => say(`TLS goes on with the files before: ${String(error)}`);
  const tls = config.tls === undefined ? undefined : await openTls(config.tls, onTlsError).catch(refuseStart);
  const front = await listen(config, { door, say, tls });
  opened.push(() => front.close(drainMs));
  const publicUrl =
    config.publicUrl ?? `${tls === undefined ? 'http' : 'https'}://${config.host}:${front.port}`;
  const quarterdeck = await openQuarterdeck(config, { pool, database, publicUrl });
  opened.push(() => quarterdeck.stop());
  door.open(quarterdeck.app);
  quarterdeck.attach(front.server);
  for (const line of quarterdeck.policySays) say(line);
  await sayEnvironment(quarterdeck, say);
  await quarterdeck.start(duties[config.role]);
  if (wantsDemo(config, database)) await importDemo(quarterdeck.engine, say);
  say(`Quarterdeck is ready at ${publicUrl}`);
  if (quarterdeck.developmentProvider !== undefined) sayWhom(say);
  return { url: publicUrl, stop: close };
};

const sayEnvironment = async ({ engine: { environment } }: Quarterdeck, say: Say): Promise<void> => {
  const sentence = await foreignEnvironment(environment);
  if (sentence !== undefined) say(sentence);
};

/** What an operator got wrong is told in a sentence. */
const refuseStart = (error: Error): never => {
  throw new ConfigError(error.message, { cause: error });
};

const usualPort = 7400;

/** A port that was asked for is the one or none; the usual one gives way to any that is free. */
const listen = async (
  { host, port, production }: Config,
  { door, say, tls }: { readonly door: Door; readonly say: Say; readonly tls: Tls | undefined },
): Promise<Listening> => {
  const options = tls === undefined ? {} : { tls };
  try {
    return await listenOn(door.handle, host, port ?? usualPort, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (port !== undefined || production) {
      throw new ConfigError(
        `Port ${port ?? usualPort} is taken: set QUARTERDECK_PORT to another one, or to 0 for any.`,
      );
    }
    say(`Port ${usualPort} is taken; another one is used.`);
    return listenOn(door.handle, host, 0, options);
  }
};

const openPool = async (config: Config, database: Database): Promise<Db> => {
  const pool = createPool({ url: database.url, max: 20, onError: () => undefined });
  if (config.production && (await ownsEvents(pool))) {
    await pool.end();
    throw new ConfigError(
      'DATABASE_URL signs in as a role that owns the table events, which could then be altered: use a role of its own.',
    );
  }
  return pool;
};

interface Around {
  readonly pool: Db;
  readonly database: Database;
  readonly publicUrl: string;
}

/** Whoever restores a backup there would have everybody back who was erased. */
const requireMirror = async ({ production, logMirror }: Config, pool: Db): Promise<void> => {
  if (!production || logMirror !== undefined || !(await keepsPersonalData(pool))) return;
  throw new ConfigError(
    'In production QUARTERDECK_LOG_MIRROR must name a place outside the database (a directory, or s3://bucket/prefix), because it keeps personal data: a restored backup is told there whose was erased.',
  );
};

/** Reads would fail one by one, and nobody would know why. */
const requireArchive = async ({ logArchive }: Config, pool: Db): Promise<void> => {
  const last = logArchive === undefined ? await lastMoved(pool) : 0;
  if (last === 0) return;
  throw new ConfigError(
    `QUARTERDECK_LOG_ARCHIVE must say where the archive is (a directory, or s3://bucket/prefix): the events up to position ${last} were moved there.`,
  );
};

/** The engine with its HTTP face, by Config; nothing of it is started. */
export const openQuarterdeck = async (
  config: Config,
  { pool, database, publicUrl }: Around,
): Promise<Quarterdeck> => {
  await requireMirror(config, pool);
  await requireArchive(config, pool);
  return createQuarterdeck({
    areas,
    pool,
    publicUrl,
    directUrl: database.directUrl,
    dataDir: config.dataDir,
    production: config.production,
    redisUrls: config.redisUrls,
    ...config.bulk,
    ...config.exports,
    environment: config.environment,
    webhooks: { networks: config.webhookNetworks, plain: !config.production },
    trustedProxies: config.trustedProxies,
    samlMetadata: config.samlMetadata ?? [],
    samlEntityId: config.samlEntityId,
    samlGroupsAttribute: config.samlGroupsAttribute,
    scimTokens: config.scimTokens,
    console: true,
    role: config.role,
    logger: createLogger({ level: config.production ? 'info' : 'warn', destination: process.stderr }),
    // Only one kind of process proposes the policy, so that a mixed deployment cannot flap.
    ...(config.role === 'all' ? { policy: await policyText(config), policyName: config.accessPolicy } : {}),
    ...(config.allowedNetworks === undefined ? {} : { allowedNetworks: config.allowedNetworks }),
    masterKey: localMasterKeys(
      config.masterKey ?? (await masterKeyIn(config.dataDir)),
      config.previousMasterKeys,
    ),
    ...(config.signingKey === undefined ? {} : { signingKey: config.signingKey }),
    logArchive: config.logArchive,
    ...(config.logMirror === undefined ? {} : { logMirror: config.logMirror }),
  });
};

export const policyText = async ({ accessPolicy }: Config): Promise<string> =>
  readFile(accessPolicy, 'utf8').catch((cause: unknown) => {
    throw new ConfigError(`QUARTERDECK_ACCESS_POLICY names ${accessPolicy}, which cannot be read.`, {
      cause,
    });
  });

const wantsDemo = (config: Config, { embedded }: Database): boolean =>
  config.role === 'all' && (config.demo ?? embedded) && !config.production;

const sayWhom = (say: Say): void => {
  say(
    'Sign in as support@dev.test, regional-support@dev.test, billing@dev.test, ops@dev.test, admin@dev.test or compliance@dev.test.',
  );
};
