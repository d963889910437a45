/**
 * The engine, put together from its parts for a team's areas: log, access, commands, queries, bulk,
 * audit. It knows no HTTP and no configuration; what it needs comes as arguments, and `start` says which
 * of the background work this process does.
 */
import { type Access, createAccess, identityKeyFrom } from './access/access.ts';
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
import type { Commands } from './commands/request.ts';
import { timed } from './commands/timed.ts';
import { createListener, type Listener } from './db/listen.ts';
import { engineEvents } from './engine-events.ts';
import type { EngineOptions } from './engine-options.ts';
import { appendedChannel } from './events/appended.ts';
import { type Codec, createCodec } from './events/codec.ts';
import { createEventLog, type RunningLog } from './events/event-log.ts';
import { createKeyRing } from './events/keys.ts';
import { createRegistry } from './events/registry.ts';
import { type FanOut, openFanOut, typesOf, withWebhooks } from './fan-out.ts';
import { hmacKeyOf } from './keys.ts';
import { policyCheckOf } from './policy-check.ts';
import { createPresence } from './presence.ts';
import type { ProjectionDefinition } from './queries/definition.ts';
import { projectedChannel } from './queries/progress.ts';
import { createReadSide, type ReadSide } from './queries/read-side.ts';
import { requestersOf } from './requesters.ts';
import { openStorage } from './storage/open.ts';
import { createEffects } from './workers/effects/index.ts';
import {
  type Bulk,
  bulkChannel,
  createBulk,
  createHeadroom,
  type Headroom,
  headroomChannel,
} from './workers/index.ts';

/** What a process does beside answering. */
export interface Duties {
  readonly project: boolean;
  readonly work: boolean;
  /** Sealing the log; who projects seals too, unless told otherwise. */
  readonly seal?: boolean;
}

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
  readonly headroom: Headroom;
  readonly transparency: Transparency;
  readonly listener: Listener;
  start(duties: Duties): Promise<void>;
  /** Lets what was begun end: commands under way, the rounds of bulk work, recorded reads. */
  stop(): Promise<void>;
}

/** What bulk work yields at; docs/OPERATING.md tells them. */
const usualBudgets = { latencyMs: 25, lagMs: 5_000 } as const;

const forgetKeysEveryMs = 60 * 60_000;

export const createEngine = async (options: EngineOptions): Promise<Engine> => {
  const { pool, directUrl, masterKey, onError, clock, newId } = options;
  const now = () => timestampOf(clock());
  const redisUrl = options.redisUrls.length === 0 ? undefined : options.redisUrls.join(',');
  const areas = withWebhooks(options.areas, options);
  const definitions = areas.flatMap((area) => area.commands);
  const projections = areas.flatMap((area) => area.projections);

  const keyRing = createKeyRing(pool, masterKey);
  const hmacKey = await hmacKeyOf(keyRing);
  const codec = createCodec(keyRing);
  const registry = createRegistry([...areas.flatMap((area) => area.events), ...engineEvents]);
  const effects = createEffects(options.effects ?? [], new Set(definitions.map(({ name }) => name)), {
    clock: now,
    newId,
    secret: hmacKey,
    log: { append: (unit) => log.append(unit) },
  });
  const log = createEventLog({
    pool,
    codec,
    registry,
    onError: (error) => onError(error, 'keeping the log'),
    ...(options.onBatch === undefined ? {} : { onBatch: options.onBatch }),
  });
  await log.start();

  const access = await createAccess({
    ...options,
    log,
    codec,
    identityKey: identityKeyFrom(hmacKey),
    policyCheck: policyCheckOf(definitions, projections),
  });
  const readSide = createReadSide({
    pool,
    log,
    projections,
    newId,
    clock: now,
    leaderUrl: directUrl,
    secret: hmacKey,
    onError: (error) => onError(error, 'reading'),
    logLine: options.say,
  });
  const catalogue = createCatalogue(definitions);
  const deciding = createDeciding(log, readSide.judging);
  const idempotency = createIdempotency(pool, hmacKey);
  const headroom = createHeadroom({
    pool,
    onError,
    processId: newId(),
    latencyBudgetMs: options.bulkLatencyBudgetMs ?? usualBudgets.latencyMs,
    lagBudgetMs: options.bulkLagBudgetMs ?? usualBudgets.lagMs,
    lagMs: readSide.lagMs,
  });
  const pipeline = createPipeline({
    log,
    catalogue,
    deciding,
    idempotency,
    denied: access.denied,
    lanes: createLanes(log, deciding, effects.alongsideOf),
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
  const refsOf: RefsOf = ({ type, data }) => registry.find(type)?.refs(data) ?? [];
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
      clock: now,
      definitions: [...areas.flatMap((area) => area.reactors ?? []), ...effects.reactors],
      types: typesOf(options.areas),
      secret: hmacKey,
      publicUrl: options.publicUrl,
      redisUrl,
      queueDatabaseUrl: directUrl,
    },
    options,
  );
  const auditing = openAuditing({
    pool,
    log,
    codec,
    registry,
    readSide,
    refsOf,
    newId,
    clock: now,
    streams: areas.flatMap((area) => area.streams),
    secret: hmacKey,
    leaderUrl: directUrl,
    onError: (error) => onError(error, 'indexing the log'),
    logLine: options.say,
  });

  const presence =
    options.presence === undefined
      ? undefined
      : createPresence(options.presence, { log, newId, clock: now, environment: options.environment });
  const mirror = options.logMirror === undefined ? undefined : await openStorage(options.logMirror);
  const transparency = await createTransparency({
    pool,
    log,
    mirror,
    newId,
    onError,
    clock: now,
    signingKey: options.signingKey,
    environment: options.environment ?? 'unnamed',
    leaderUrl: directUrl,
    logLine: options.say,
  });

  const hear: Readonly<Record<string, (payload: string) => void>> = {
    [appendedChannel]: log.heard,
    [projectedChannel]: readSide.progress.heard,
    [bulkChannel]: bulk.heard,
    [headroomChannel]: headroom.heard,
  };
  const listener = createListener({
    url: directUrl,
    channels: Object.keys(hear),
    onNotification: (channel, payload) => hear[channel]?.(payload),
    // Whatever was notified while there was no connection is looked for.
    onReconnect: () => {
      log.heard();
      readSide.progress.heard();
    },
    log: options.say,
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
    secret: hmacKey,
    access,
    commands,
    definitions,
    projections,
    readSide,
    bulk,
    headroom,
    transparency,
    listener,
    async start({ project, work, seal = project }) {
      await presence?.started();
      if (project) {
        readSide.projector.start();
        auditing.auditIndex.start();
        auditing.snapshots.start();
      }
      if (seal) transparency.start();
      if (!work) return;
      await bulk.start();
      await fanOut.start();
    },
    async stop() {
      clearInterval(forgetting);
      await bulk.stop();
      headroom.stop();
      await fanOut.stop();
      await readSide.projector.stop();
      await auditing.auditIndex.stop();
      auditing.snapshots.stop();
      await readSide.stop();
      await access.stop();
      await presence?.stopped().catch((error: unknown) => onError(error, 'recording the stop'));
      // After everything that appends, so that the last of it is sealed too.
      await transparency.stop();
      mirror?.close();
      await listener.stop();
      await log.stop();
    },
  };
};
