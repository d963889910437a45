/**
 * A process of this repository's service: Config, database, the engine with the reference domain, HTTP,
 * demo. The only place that reads Config.
 */
import { readFile } from 'node:fs/promises';
import { LogFault } from './audit/transparency/log-fault.ts';
import { type Config, ConfigError } from './config.ts';
import { type Database, openDatabase, openDatabaseBriefly } from './database.ts';
import { ownsEvents } from './db/migrate.ts';
import { createPool, type Db } from './db/pool.ts';
import { importDemo } from './demo.ts';
import { areas } from './domain/index.ts';
import type { Duties } from './engine.ts';
import { timeOf } from './events/asked-moment.ts';
import { createLogger } from './http/log.ts';
import { createDoor, type Door, type Listening, listenOn } from './http/server.ts';
import { openTls, type Tls } from './http/tls.ts';
import { createQuarterdeck, type Quarterdeck } from './quarterdeck.ts';
import { foreignEnvironment } from './standing.ts';
import { openStorage } from './storage/open.ts';
import { toldOf } from './workers/index.ts';

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

const openQuarterdeck = async (config: Config, { pool, database, publicUrl }: Around): Promise<Quarterdeck> =>
  createQuarterdeck({
    areas,
    pool,
    publicUrl,
    directUrl: database.directUrl,
    dataDir: config.dataDir,
    production: config.production,
    redisUrls: config.redisUrls,
    ...config.bulk,
    environment: config.environment,
    webhooks: { networks: config.webhookNetworks, plain: !config.production },
    trustedProxies: config.trustedProxies,
    samlMetadata: config.samlMetadata ?? [],
    samlEntityId: config.samlEntityId,
    samlGroupsAttribute: config.samlGroupsAttribute,
    scimTokens: config.scimTokens,
    console: true,
    logger: createLogger({ level: config.production ? 'info' : 'warn', destination: process.stderr }),
    // Only one kind of process proposes the policy, so that a mixed deployment cannot flap.
    ...(config.role === 'all' ? { policy: await policyText(config), policyName: config.accessPolicy } : {}),
    ...(config.allowedNetworks === undefined ? {} : { allowedNetworks: config.allowedNetworks }),
    ...(config.masterKey === undefined ? {} : { masterKey: config.masterKey }),
    ...(config.signingKey === undefined ? {} : { signingKey: config.signingKey }),
    ...(config.logMirror === undefined ? {} : { logMirror: config.logMirror }),
  });

const policyText = async ({ accessPolicy }: Config): Promise<string> =>
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

/** Opens the engine without serving, for one act of the command line. */
const briefly = async (
  config: Config,
  say: Say,
  act: (quarterdeck: Quarterdeck) => Promise<void>,
): Promise<void> => {
  const database = await openDatabaseBriefly(config, say);
  const pool = createPool({ url: database.url, max: 4, onError: () => undefined });
  try {
    const quarterdeck = await openQuarterdeck(
      { ...config, role: 'api' },
      { pool, database, publicUrl: config.publicUrl ?? 'http://127.0.0.1' },
    );
    await act(quarterdeck).finally(() => quarterdeck.stop());
  } finally {
    await pool.end();
    await database.stop();
  }
};

export const applyPolicyFile = (config: Config, file: string | undefined, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    const name = file ?? config.accessPolicy;
    const text = await policyText({ ...config, accessPolicy: name });
    // What `policy check` would not accept is not applied by hand either.
    await engine.access.previewPolicy(text, name);
    const changed = await engine.access.applyPolicy(text, name);
    say(changed ? `The policy of ${name} is in force.` : `The policy of ${name} was in force already.`);
  });

/** What a policy file would change, without changing it; what is wrong with it stops with a sentence a line. */
export const checkPolicyFile = (config: Config, file: string | undefined, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    const name = file ?? config.accessPolicy;
    const text = await policyText({ ...config, accessPolicy: name });
    const lines = await engine.access.previewPolicy(text, name);
    say(
      lines.length === 0
        ? `${name} is valid and says what is in force already.`
        : `${name} is valid. Applying it would change:`,
    );
    for (const line of lines) say(line);
  });

/** Takes a restored copy over. */
export const adoptEnvironment = (config: Config, keep: boolean, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine: { environment } }) => {
    const adopted = await environment.adopt(keep);
    const { environment: name } = config;
    if (!adopted) return say(`This database belongs to ${name} already.`);
    say(`This database belongs to ${name} from now on.`);
    say(
      keep
        ? 'What was outstanding is delivered from here.'
        : 'What was outstanding is left to where the copy came from; webhooks wait to be resumed.',
    );
  });

export const rotateToolKey = (config: Config, say: Say): Promise<void> =>
  briefly(config, say, async (quarterdeck) => {
    say(`ID tokens are signed with the key ${await quarterdeck.rotateToolKey()} from now on.`);
  });

export const rebuildProjection = (config: Config, projection: string, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    await engine.readSide.rebuild(projection);
    say(`${projection} is rebuilt beside the one in use by the projector that leads, and then switched.`);
  });

/** @returns whether the job is proven; every fault is said with its position. */
export const verifyBulkJob = async (config: Config, id: string, say: Say): Promise<boolean> => {
  let proven = false;
  await briefly(config, say, async ({ engine }) => {
    const verified = await engine.bulk.verify(id);
    for (const line of toldOf(verified)) say(line);
    proven = verified.faults.length === 0;
  });
  return proven;
};

/** @returns whether the log is as it was sealed. */
export const checkLog = async (config: Config, say: Say): Promise<boolean> => {
  let intact = false;
  await briefly(config, say, async ({ engine }) => {
    try {
      const { upTo } = await engine.transparency.checkAll(new AbortController().signal);
      say(`intact: ${upTo} events are as they were sealed.`);
      intact = true;
    } catch (error) {
      if (!(error instanceof LogFault)) throw error;
      say(`${error.kind} at ${error.position}: ${error.message}`);
    }
  });
  return intact;
};

/** Old partitions of the log as files at the archive, each proven where it lies. */
export const archiveLog = (config: Config, before: string, say: Say): Promise<void> =>
  briefly(config, say, async ({ engine }) => {
    if (config.logArchive === undefined)
      throw new ConfigError('QUARTERDECK_LOG_ARCHIVE must say where: a directory, or s3://bucket/prefix.');
    const storage = await openStorage(config.logArchive);
    try {
      const done = await engine.transparency
        .archiving(storage)
        .archive(timeOf('before', before), ({ after, upTo, file, bytes, sha256 }) =>
          say(
            `${file}: positions ${after + 1} to ${upTo}, ${bytes} bytes, SHA-256 ${sha256}; proven where it lies.`,
          ),
        );
      if (done.length === 0) say('Nothing to archive: every partition that is older lies there already.');
    } finally {
      storage.close();
    }
  });
