/**
 * Bulk work, put together: accepting jobs, looking at them and steering them in every process that serves
 * the API; relay and chunk workers in those that call `start`.
 */

import type { Origin } from '../access/origin.ts';
import type { Catalogue } from '../commands/catalogue.ts';
import type { Deciding } from '../commands/deciding.ts';
import type { Idempotency } from '../commands/idempotency.ts';
import { staleSignIn } from '../commands/refusals.ts';
import type { Db } from '../db/pool.ts';
import { type ErrorCode, notPermitted } from '../errors.ts';
import type { Codec } from '../events/codec.ts';
import type { EventLog } from '../events/log.ts';
import { createAccepting } from './accept.ts';
import { createChunkWorker, type Delivery } from './chunk.ts';
import { alwaysRoom, type Headroom } from './headroom.ts';
import { createJobStore, viewOf } from './job-record.ts';
import { createJobs } from './jobs.ts';
import type { Parts } from './parts.ts';
import type { Clock, NewId, OnError, Requesters, Selecting } from './ports.ts';
import { createProgress } from './progress.ts';
import { verifyJob } from './proof/verify.ts';
import { createQueues } from './queues.ts';
import { createRelay } from './relay.ts';
import { type Bulk, bulkChannel } from './request.ts';
import { createRetention } from './retention.ts';
import { unqueueChunks } from './sql/chunks.ts';
import { createSteering } from './steering.ts';

export { bulkEvents } from './engine-events.ts';
export { createHeadroom, type Headroom, headroomChannel } from './headroom.ts';
export type { Requester, Requesters, Selecting } from './ports.ts';
export { toldOf } from './proof/told.ts';
export * from './request.ts';

/** A permission that was missing, or what else it was refused as. */
export type Denied = { readonly permission: string } | { readonly command: string; readonly code: ErrorCode };

export interface BulkOptions {
  readonly pool: Db;
  readonly log: EventLog;
  readonly deciding: Deciding;
  readonly catalogue: Catalogue;
  readonly idempotency: Idempotency;
  readonly codec: Codec;
  readonly selecting: Selecting;
  readonly requesters: Requesters;
  readonly clock: Clock;
  readonly newId: NewId;
  /** A fault that no caller waits for, and what was being done. */
  readonly onError: OnError;
  /** Records a denial; awaited before the caller hears of it. */
  readonly denied: (origin: Origin, denial: Denied) => Promise<void>;
  /** Effects of commands, in their transaction and delivered: see `Parts`. */
  readonly alongsideOf?: NonNullable<Parts['alongsideOf']>;
  readonly isSettled?: NonNullable<Parts['isSettled']>;
  /** Queues on Redis; a comma-separated list is a cluster. */
  readonly redisUrl?: string | undefined;
  /** Where queues live without Redis: a direct connection, not a pooler's. */
  readonly queueDatabaseUrl: string;
  /** What bulk work yields to; without it to nothing. */
  readonly headroom?: Headroom;
  /** Days for which results are kept after a job's end. */
  readonly resultsDays?: number | undefined;
  /** In a database of another one, planned starts wait; undefined: it does not matter. */
  readonly environment?: string | undefined;
  /** Chunks worked on at a time by this process. */
  readonly concurrency?: number;
}

const chunksQueuedMax = 16;
const resultsDaysUsual = 90;

export const createBulk = (options: BulkOptions): Bulk => {
  const { pool, codec, onError, redisUrl, queueDatabaseUrl, concurrency = 3 } = options;
  const store = createJobStore(pool, codec);
  const progress = createProgress({
    pool,
    onError,
    channel: bulkChannel,
    find: async (ids) => (await store.find(ids)).map((job) => viewOf(job, false)),
  });
  const parts: Parts = {
    headroom: alwaysRoom,
    ...options,
    store,
    progress,
    // Recorded by whoever was asked, who knows how: by which address, for one.
    async require({ principal }, permission) {
      if (!principal.permissions.has(permission)) throw notPermitted(permission);
    },
    async requireFresh(origin, command) {
      const stale = staleSignIn(command, { principal: origin.principal, now: options.clock() });
      if (stale === undefined) return;
      await options.denied(origin, { command: command.name, code: stale.code });
      throw stale;
    },
  };
  const accept = createAccepting(parts);
  const steering = createSteering(parts);
  const chunks = createChunkWorker(parts, steering);
  const queues = createQueues<Delivery>({
    queue: 'bulk',
    redisUrl,
    databaseUrl: queueDatabaseUrl,
    concurrency,
    onError,
  });
  const idleMs = (): number => (chunks.inHand() > 0 ? 0 : Date.now() - chunks.lastActiveAt());
  const { environment = null } = options;
  const relay = createRelay({
    pool,
    queues,
    steering,
    onError,
    window: chunksQueuedMax,
    idleMs,
    environment,
  });
  const jobs = createJobs(parts, accept, steering);
  const { resultsDays: days = resultsDaysUsual, clock } = options;
  const retention = createRetention({ pool, clock, days, leaderUrl: queueDatabaseUrl, onError });
  let started = false;

  return {
    accept,
    jobs: {
      ...jobs,
      async resume(request) {
        const job = await jobs.resume(request);
        // What was delivered in vain while it was paused may be queued again at once.
        await pool.query({ ...unqueueChunks, values: [job.id] });
        progress.changed(job.id);
        return job;
      },
    },
    verify: (id) => verifyJob(parts, id),
    onProgress: progress.onProgress,
    heard: progress.heard,
    async start() {
      if (started) return;
      started = true;
      queues.consume(chunks.run);
      progress.onWake(relay.wake);
      relay.start();
      retention.start();
    },
    async stop() {
      await retention.stop();
      await relay.stop();
      await chunks.stop();
      await queues.close();
      await progress.stop();
    },
    health: () => ({
      queueReachable: relay.reachable(),
      chunksInHand: chunks.inHand(),
      itemsDecided: chunks.itemsDecided(),
      idleMs: idleMs(),
      stalledMs: chunks.stalledMs(),
      failedInRow: chunks.failedInRow(),
    }),
  };
};
