/**
 * The engine, put together from its parts for a team's areas: log, access, commands, queries, bulk,
 * audit. It knows no HTTP and no configuration; what it needs comes as arguments, and `start` says which
 * of the background work this process does.
 */
import { type Access, createAccess, identityKeyFrom } from './access/access.ts';
import { toolsNamed } from './access/policy/tools.ts';
import type { Area } from './area.ts';
import { createLogReads } from './audit/reads.ts';
import type { RefsOf } from './audit/shown.ts';
import { createTransparency, type Transparency } from './audit/transparency/transparency.ts';
import { type Auditing, openAuditing } from './auditing.ts';
import { timestampOf } from './clock.ts';
import { createCatalogue } from './commands/catalogue.ts';
import { createDeciding } from './commands/deciding.ts';
import type { CommandDefinition } from './commands/definition.ts';
import { createIdempotency } from './commands/idempotency.ts';
import { createLanes } from './commands/lanes.ts';
import { createPipeline } from './commands/pipeline.ts';
import { createRefusalCounts } from './commands/refusal-counts.ts';
import type { Commands } from './commands/request.ts';
import { timed } from './commands/timed.ts';
import { type Compliance, complianceAreaFor } from './compliance/index.ts';
import type { Listener } from './db/listen.ts';
import { type Duties, type EngineOptions, usualBudgets } from './engine-options.ts';
import type { Codec } from './events/codec.ts';
import type { RunningLog } from './events/event-log.ts';
import { type FanOut, openFanOut, typesOf, withWebhooks } from './fan-out.ts';
import { openHearing } from './hearing.ts';
import { keepersOf, openKeeping } from './keeping.ts';
import { permissionsAskedFor, policyCheckOf } from './policy-check.ts';
import { createPresence } from './presence.ts';
import { stillReached } from './queries/copying.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import { createReadSide, type ReadSide } from './queries/read-side.ts';
import { requestersOf } from './requesters.ts';
import { createExports, type Exports } from './workers/exports/index.ts';
import { type Bulk, createBulk, createHeadroom, type Headroom } from './workers/index.ts';

export interface Engine extends Omit<FanOut, 'start' | 'stop'>, Auditing {
  readonly log: RunningLog;
  readonly codec: Codec;
  /** 32 bytes that outlive a change of the master key; keys for one use each are derived from it. */
  readonly secret: Buffer;
  readonly access: Access;
  readonly commands: Commands;
  readonly definitions: readonly CommandDefinition[];
  readonly projections: readonly ProjectionDefinition[];
  readonly readSide: ReadSide;
  readonly bulk: Bulk;
  readonly exports: Exports;
  readonly headroom: Headroom;
  readonly transparency: Transparency;
  readonly listener: Listener;
  readonly compliance: Compliance;
  start(duties: Duties): Promise<void>;
  /** Lets what was begun end: commands under way, the rounds of bulk work, recorded reads. */
  stop(): Promise<void>;
}

const forgetKeysEveryMs = 60 * 60_000;

export const createEngine = async (options: EngineOptions): Promise<Engine> => {
  const { pool, directUrl, onError, clock, newId } = options;
  const now = () => timestampOf(clock());
  const redisUrl = options.redisUrls.length === 0 ? undefined : options.redisUrls.join(',');
  const areas: readonly Area[] = [...withWebhooks(options.areas, options), complianceAreaFor(options.areas)];
  const definitions = areas.flatMap((area) => area.commands);
  const projections = areas.flatMap((area) => area.projections);
  const streams = areas.flatMap((area) => area.streams);

  const { keyRing, codec, registry, effects, log, alongsideOf, ...keeping } = await openKeeping(
    options,
    areas,
    now,
  );
  const { secret, mirror, archived, compliance } = keeping;

  const access = await createAccess({
    ...options,
    log,
    codec,
    identityKey: identityKeyFrom(secret),
    policyCheck: policyCheckOf(definitions, projections),
    permissionsAskedFor: permissionsAskedFor(
      definitions,
      projections,
      areas.flatMap(({ events }) => events),
    ),
  });
  const readSide = createReadSide({
    pool,
    log,
    projections,
    newId,
    clock: now,
    leaderUrl: directUrl,
    secret,
    onError: (error) => onError(error, 'reading'),
    logLine: options.say,
  });
  const catalogue = createCatalogue(definitions);
  const deciding = createDeciding(log, readSide.judging);
  const idempotency = createIdempotency(pool, secret);
  const headroom = createHeadroom({
    pool,
    onError,
    processId: newId(),
    latencyBudgetMs: options.bulkLatencyBudgetMs ?? usualBudgets.latencyMs,
    lagBudgetMs: options.bulkLagBudgetMs ?? usualBudgets.lagMs,
    lagMs: readSide.lagMs,
  });
  const refusals = createRefusalCounts({
    log,
    newId,
    clock: now,
    onError: (error) => onError(error, 'counting refusals'),
  });
  const pipeline = createPipeline({
    log,
    refusals,
    catalogue,
    deciding,
    idempotency,
    denied: access.denied,
    lanes: createLanes(log, deciding, alongsideOf, keyRing.onForgotten),
    source: { clock: now, newId },
    ...(options.onCommand === undefined ? {} : { onOutcome: options.onCommand }),
  });
  const commands = timed(pipeline, headroom.took);
  const bulk = createBulk({
    pool,
    log,
    deciding,
    catalogue,
    idempotency,
    codec,
    denied: access.denied,
    newId,
    onError,
    clock: now,
    selecting: {
      projections: projections.map(({ name, keyField }) => ({ name, keyField })),
      selectKeys: readSide.queries.selectKeys,
    },
    headroom,
    resultsDays: options.bulkResultsDays,
    environment: options.environment,
    requesters: requestersOf(access),
    alongsideOf: effects.alongsideOf,
    isSettled: (job) => effects.isSettled(pool, job),
    redisUrl,
    queueDatabaseUrl: directUrl,
  });
  const exports = createExports({
    pool,
    log,
    codec,
    keyRing,
    idempotency,
    stillReached,
    headroom,
    newId,
    onError,
    clock: now,
    storage: options.exportsStorage,
    source: readSide.queries.copying,
    requesters: requestersOf(access),
    keepHours: options.exportsKeepHours,
    redisUrl,
    queueDatabaseUrl: directUrl,
  });
  const refsOf: RefsOf = ({ type, schemaVersion, data }) =>
    registry.find(type)?.refs(registry.upcast(type, schemaVersion, data)) ?? [];
  const logReads = createLogReads({ log, newId, clock: now, onError: (error) => onError(error, 'auditing') });
  const fanOut = await openFanOut(
    {
      pool,
      log,
      codec,
      registry,
      commands,
      readSide,
      projections,
      newId,
      onError,
      refsOf,
      notesOf: registry.find,
      logReads,
      clock: now,
      definitions: [...areas.flatMap((area) => area.reactors ?? []), ...effects.reactors],
      types: typesOf(options.areas),
      secret,
      publicUrl: options.publicUrl,
      redisUrl,
      queueDatabaseUrl: directUrl,
    },
    options,
  );
  const auditing = openAuditing({
    ...{ pool, log, codec, registry, readSide, refsOf, logReads, newId, streams },
    notesOf: registry.find,
    clock: now,
    vocabulary: {
      commands: definitions.map(({ name }) => name),
      tools: () => toolsNamed(access.policy.current().policy),
    },
    secret,
    leaderUrl: directUrl,
    onError: (error) => onError(error, 'indexing the log'),
    logLine: options.say,
  });

  const { environment } = options;
  const presence = createPresence(options.presence, { log, newId, clock: now, environment });
  await compliance.keep(keepersOf({ readSide, access, exports, projections, ...auditing }));
  const transparency = await createTransparency({
    ...{ pool, log, mirror, archived, streams, newId, onError, known: auditing.known },
    clock: now,
    signingKey: options.signingKey,
    environment: environment ?? 'unnamed',
    leaderUrl: directUrl,
    logLine: options.say,
  });

  const listener = openHearing({
    url: directUrl,
    log,
    readSide,
    bulk,
    exports,
    headroom,
    keyRing,
    say: options.say,
  });
  const forgetting = setInterval(() => {
    idempotency.forgetOld().catch((error: unknown) => onError(error, 'forgetting old idempotency keys'));
  }, forgetKeysEveryMs);
  forgetting.unref();

  return {
    ...fanOut,
    ...auditing,
    log,
    codec,
    secret,
    access,
    commands,
    definitions,
    projections,
    readSide,
    bulk,
    exports,
    headroom,
    transparency,
    listener,
    compliance,
    async start({ project, work, seal = project }) {
      await presence.started();
      if (project) {
        readSide.projector.start();
        auditing.auditIndex.start();
        auditing.snapshots.start();
      }
      if (seal) transparency.start();
      if (!work) return;
      compliance.start();
      await bulk.start();
      await exports.start();
      await fanOut.start();
    },
    async stop() {
      clearInterval(forgetting);
      await compliance.stop();
      await bulk.stop();
      await exports.stop();
      headroom.stop();
      await fanOut.stop();
      await readSide.projector.stop();
      await auditing.auditIndex.stop();
      auditing.snapshots.stop();
      await readSide.stop();
      await logReads.stop();
      await refusals.stop();
      await access.stop();
      await presence.stopped().catch((error: unknown) => onError(error, 'recording the stop'));
      // After everything that appends, so that the last of it is sealed too.
      await transparency.stop();
      keeping.close();
      await listener.stop();
      await log.stop();
    },
  };
};
