/**
 * `createQuarterdeck`: the engine with its HTTP face, for a team's own areas. `router` mounts in an
 * express app that is there already; `app` is one of its own. The service of this repository is its
 * first user (`compose.ts`).
 */

import type { RequestListener, Server } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Router } from 'express';
import type { Logger } from 'pino';
import { loopback } from './access/network.ts';
import { openToolSignOn, type ToolSignOn } from './access/oidc/tool-sign-on.ts';
import { openSingleSignOn, type SingleSignOn } from './access/single-sign-on.ts';
import type { Area } from './area.ts';
import { systemSources } from './clock.ts';
import { type Db, parsesExactly } from './db/pool.ts';
import { createEngine, type Engine } from './engine.ts';
import type { Duties } from './engine-options.ts';
import type { MasterKeys } from './events/master-keys.ts';
import { type FanOutOptions, fanOutOf } from './fan-out.ts';
import { type AppDependencies, createApp, createRouter } from './http/app.ts';
import { authRouter } from './http/auth.ts';
import { gateHandlers, recordDenial } from './http/authenticate.ts';
import { bulkRoutes } from './http/bulk.ts';
import { commandRoutes } from './http/commands.ts';
import { crossOrigin } from './http/cors.ts';
import { exportRoutes } from './http/exports.ts';
import { fanOutRoutes } from './http/fan-out.ts';
import { grantRoutes } from './http/grants.ts';
import { createLogger } from './http/log.ts';
import { logRoutes } from './http/log-routes.ts';
import { meRoute } from './http/me.ts';
import { createMetrics, type Metrics } from './http/metrics.ts';
import { oidcRouter } from './http/oidc.ts';
import { withDocumentation } from './http/openapi.ts';
import { policyRoute } from './http/policy.ts';
import { queryRoutes } from './http/queries.ts';
import type { Route } from './http/route.ts';
import { scimRouter } from './http/scim.ts';
import { sessionRoutes } from './http/sessions.ts';
import { masterKeyIn, signingKeyIn } from './keys.ts';
import { createLiveOf } from './live-topics.ts';
import { healthChecks, lagOf, providersCheck, reactorsOf } from './standing.ts';
import { openStorage, type StorageOptions } from './storage/open.ts';
import { packageVersion } from './version.ts';

export interface QuarterdeckOptions extends FanOutOptions {
  readonly areas: readonly Area[];
  /** Text of an access policy, put in force unless it is already; without it the one in force stays. */
  readonly policy?: string;
  /** How the policy is called in messages. */
  readonly policyName?: string;
  /** Made with `createPool`, as the application's role, on a database that was migrated. */
  readonly pool: Db;
  /** A direct connection, where the pool's goes through a pooler. */
  readonly directUrl?: string;
  readonly publicUrl?: string;
  /** Keys of development are kept here. */
  readonly dataDir?: string;
  /** 32 bytes, or what wraps keys of personal data in its stead. */
  readonly masterKey?: Buffer | MasterKeys;
  /** 32 bytes, the seed of the Ed25519 key that signs checkpoints of the log. */
  readonly signingKey?: Buffer;
  /** Where checkpoints and tombstones are kept outside the database: a directory, or `s3://bucket/prefix`. */
  readonly logMirror?: string;
  /** Where old partitions of the log were moved to: a directory, or `s3://bucket/prefix`. */
  readonly logArchive?: string | undefined;
  readonly allowedNetworks?: readonly string[];
  readonly trustedProxies?: readonly string[];
  readonly redisUrls?: readonly string[];
  /** Files or URLs of identity providers' metadata; none: the development provider is started. */
  readonly samlMetadata?: readonly string[];
  readonly samlEntityId?: string | undefined;
  readonly samlGroupsAttribute?: string;
  /** Tokens of directories, each `provider:hash` with the SHA-256 in hex. */
  readonly scimTokens?: readonly string[];
  /** Bulk work yields where 95 in 100 interactive commands take longer, milliseconds; 0: never. */
  readonly bulkLatencyBudgetMs?: number;
  /** Bulk work yields where a read model is further behind, milliseconds; 0: never. */
  readonly bulkLagBudgetMs?: number;
  /** Days for which results of bulk jobs are kept; 90 unless told. */
  readonly bulkResultsDays?: number;
  /** Where exports keep files: a directory or `s3://bucket/prefix`; unless told, `exports` in the data directory. */
  readonly exportsStorage?: string | undefined;
  /** How buckets are reached. */
  readonly s3?: StorageOptions;
  /** Hours for which they are; 72 unless told. */
  readonly exportsKeepHours?: number;
  /** How this process is called in the log, where its starts and stops are kept; undefined: they are not. */
  readonly role?: string;
  readonly production?: boolean;
  /** Whether to serve the console of this package at `/`. */
  readonly console?: boolean;
  readonly logger?: Logger;
}

export interface Quarterdeck {
  readonly engine: Engine;
  /** Answers its own addresses only and leaves the others to the app it is mounted in. */
  readonly router: Router;
  /** For a server of one's own. */
  readonly app: RequestListener;
  /** Serves live updates on this server. */
  attach(server: Server): void;
  /** Address of the development identity provider, where it runs. */
  readonly developmentProvider: string | undefined;
  /** What whoever starts it should know of the policy that was proposed, in sentences. */
  readonly policySays: readonly string[];
  /** Signs ID tokens with a new key from now on, because the old one may be known to others. Its kid. */
  rotateToolKey(): Promise<string>;
  /** All of the background work by default. */
  start(duties?: Duties): Promise<void>;
  stop(): Promise<void>;
}

export const createQuarterdeck = async (options: QuarterdeckOptions): Promise<Quarterdeck> => {
  const { pool, dataDir = '.quarterdeck', production = false, publicUrl = 'http://127.0.0.1:7400' } = options;
  const logger = options.logger ?? createLogger({ level: 'warn' });
  const onError = (error: unknown, doing: string): void => logger.error({ err: error }, doing);
  await requireOwnTypes(pool);

  const storage = await openStorage(options.exportsStorage ?? join(dataDir, 'exports'), options.s3);

  let engine: Engine | undefined;
  const metrics = createMetrics({
    projectionLag: async () => (engine === undefined ? {} : lagOf(engine)),
    bulk: () => engine?.bulk.health(),
    exports: () => engine?.exports.standing(),
    headroom: () => engine?.headroom.standing(),
    reactors: async () => (engine === undefined ? {} : reactorsOf(engine)),
    sealing: async () => engine?.transparency.health(),
  });
  engine = await createEngine({
    ...systemSources,
    ...fanOutOf(options),
    areas: options.areas,
    pool,
    directUrl: options.directUrl ?? urlOf(pool),
    masterKey: options.masterKey ?? (await masterKeyIn(dataDir)),
    signingKey: options.signingKey ?? (await signingKeyIn(dataDir)),
    logMirror: options.logMirror ?? join(dataDir, 'mirror'),
    logArchive: options.logArchive,
    s3: options.s3,
    publicUrl,
    allowedNetworks: options.allowedNetworks ?? loopback,
    trustedProxies: options.trustedProxies ?? [],
    redisUrls: options.redisUrls ?? [],
    bulkLatencyBudgetMs: options.bulkLatencyBudgetMs,
    bulkLagBudgetMs: options.bulkLagBudgetMs,
    bulkResultsDays: options.bulkResultsDays,
    exportsStorage: storage,
    exportsKeepHours: options.exportsKeepHours,
    presence:
      options.role === undefined ? undefined : { role: options.role, version: await packageVersion() },
    onError,
    say: (line) => logger.info(line),
    onCommand: metrics.commandEnded,
    onBatch: metrics.batchAppended,
  });
  const { access } = engine;
  const { policy, policyName = 'policy' } = options;
  const policySays = policy === undefined ? [] : await access.proposePolicy(policy, policyName);
  const sso = await openSingleSignOn({
    access,
    pool,
    onError,
    production,
    dataDir,
    clock: systemSources.clock,
    metadata: options.samlMetadata ?? [],
    entityId: options.samlEntityId,
    groupsAttribute: options.samlGroupsAttribute ?? 'groups',
  });
  const tools = await openToolSignOn({
    access,
    pool,
    onError,
    codec: engine.codec,
    secret: engine.secret,
    clock: systemSources.clock,
    entityIdOf: entityIdIn(sso),
  });
  const deps = await appDependencies(engine, sso, tools, {
    metrics,
    logger,
    publicUrl,
    pool,
    console: options.console ?? false,
    scimTokens: options.scimTokens ?? [],
  });
  const live = createLiveOf(engine, onError);
  const off = access.onSessionsEnded(() => {
    live.recheck().catch((error: unknown) => onError(error, 'closing sockets of ended sessions'));
  });

  return {
    engine,
    router: createRouter(deps),
    app: createApp(deps),
    attach: live.attach,
    developmentProvider: sso.developmentUrl,
    policySays,
    rotateToolKey: tools.rotateSigningKey,
    start: (duties = { project: true, work: true }) => engine.start(duties),
    async stop() {
      off();
      await live.close();
      await tools.stop();
      await sso.stop();
      await engine.stop();
      storage.close();
    },
  };
};

interface Serving {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly publicUrl: string;
  readonly pool: Db;
  readonly console: boolean;
  readonly scimTokens: readonly string[];
}

/** By the provider's id in the policy. */
const entityIdIn =
  ({ directory }: SingleSignOn) =>
  (provider: string): string | undefined =>
    directory.all().find(({ id }) => id === provider)?.entityId;

const appDependencies = async (
  engine: Engine,
  sso: SingleSignOn,
  tools: ToolSignOn,
  serving: Serving,
): Promise<AppDependencies> => {
  const { access } = engine;
  const { metrics, logger, publicUrl, pool, scimTokens } = serving;
  return {
    log: logger,
    newId: systemSources.newId,
    metrics,
    gates: gateHandlers(access.gate),
    onDenied: (request, response, error) => recordDenial(access.gate, request, response, error),
    healthChecks: [...healthChecks(engine, pool), providersCheck(sso.directory)],
    security: { publicUrl, formTargets: sso.providerOrigins },
    scim: scimRouter(access.openScim({ tokens: scimTokens, entityIdOf: entityIdIn(sso) }), publicUrl),
    auth: authRouter(access, sso, (error) => logger.error({ err: error }, 'signing in or out')),
    oidc: oidcRouter(access, tools),
    crossOrigin: crossOrigin(access.isToolOrigin),
    routes: routesOf(engine, tools, {
      version: await packageVersion(),
      publicUrl,
      sessionCookie: access.cookies.sessionName,
    }),
    ...(serving.console ? { consoleDirectory } : {}),
  };
};

/** Built beside the server's own code; found alike from `src/` and from `dist/`. */
const consoleDirectory = fileURLToPath(new URL('../dist/console', import.meta.url));

const routesOf = (
  engine: Engine,
  tools: ToolSignOn,
  document: Parameters<typeof withDocumentation>[1],
): readonly Route[] =>
  withDocumentation(
    [
      ...commandRoutes(engine),
      meRoute,
      policyRoute(engine.access.policyHistory),
      ...sessionRoutes(engine.access.sessionDesk),
      ...grantRoutes(tools.grantDesk),
      ...queryRoutes(engine.readSide.queries, engine.projections),
      ...bulkRoutes(engine.bulk),
      ...exportRoutes(engine.exports),
      ...fanOutRoutes(engine),
      ...logRoutes(engine),
    ],
    document,
  );

const urlOf = (pool: Db): string => {
  const url = pool.options.connectionString;
  if (url === undefined)
    throw new Error('createQuarterdeck needs a pool made with createPool({url}), or a directUrl.');
  return url;
};

/** Positions are numbers and times keep their microseconds only as `createPool` parses them. */
const requireOwnTypes = async (pool: Db): Promise<void> => {
  if (!(await parsesExactly(pool)))
    throw new Error('createQuarterdeck needs a pool made with createPool from this package.');
};
