/**
 * The relay: queues whatever PostgreSQL says is unfinished. It looks on start, when woken and every
 * second; it needs no leader, because taking a chunk to queue it is one statement, and queueing it twice
 * is harmless. A queue that was flushed, restarted or unreachable is filled again from here.
 */
import type { Db } from '../db/pool.ts';
import type { Delivery } from './chunk.ts';
import { createPolling } from './polling.ts';
import type { OnError } from './ports.ts';
import type { Queues } from './queues.ts';
import { requeueChunks, takeUnqueued, type UnqueuedChunk } from './sql/chunks.ts';
import { dropDeadStaging } from './sql/staging.ts';
import type { Steering } from './steering.ts';

export interface Relay {
  start(): void;
  wake(): void;
  /** The queue answered when it was last asked. */
  reachable(): boolean;
  stop(): Promise<void>;
}

interface Options {
  readonly pool: Db;
  readonly queues: Queues<Delivery>;
  readonly steering: Pick<Steering, 'finishAllDone'>;
  readonly onError: OnError;
  /** Chunks that are queued or in hand at a time, of all jobs: few, so that a new one soon has its turn. */
  readonly window: number;
  /** Nothing is in hand here and nothing was delivered for a while. */
  readonly idleMs: () => number;
}

const pollMs = 1_000;
const pingMs = 2_000;
const trustSeconds = 5;
const housekeepingMs = 60_000;
/** Chunks that were queued, not taken and queued again, while this process sat idle: its consumer is deaf. */
const deafAfterTicks = 3;
const deafIdleMs = 10_000;

/** One of each job, then the next of each: concurrent jobs get their turns. */
const byTurns = (chunks: readonly UnqueuedChunk[]): readonly UnqueuedChunk[] => {
  const ofJob = new Map<string, number>();
  const ordered = [...chunks].sort((a, b) => a.chunk - b.chunk);
  const turns = ordered.map((chunk) => {
    const turn = ofJob.get(chunk.jobId) ?? 0;
    ofJob.set(chunk.jobId, turn + 1);
    return { chunk, turn };
  });
  return turns.sort((a, b) => a.turn - b.turn).map(({ chunk }) => chunk);
};

const queuedOf = ({ jobId, chunk, attempts }: UnqueuedChunk) => ({
  id: `${jobId}-${chunk}-${attempts}`,
  data: { jobId, chunk },
  // A job's first chunk: what came later does not wait for all that others have queued.
  ahead: chunk + attempts === 0,
});

export const createRelay = ({ pool, queues, steering, onError, window, idleMs }: Options): Relay => {
  let reachable = true;
  let deafTicks = 0;
  let askedAt = 0;
  let housekeptAt = 0;
  let endedAt = 0;

  const queue = async (chunks: readonly UnqueuedChunk[]): Promise<void> => {
    askedAt = Date.now();
    try {
      await queues.add(chunks.map(queuedOf));
      reachable = true;
    } catch (error) {
      reachable = false;
      const values = [chunks.map((c) => c.jobId), chunks.map((c) => c.chunk), 0];
      await pool.query({ ...requeueChunks, values });
      throw error;
    }
  };

  const listen = async (chunks: readonly UnqueuedChunk[]): Promise<void> => {
    const unheard = chunks.some((chunk) => chunk.again) && idleMs() > deafIdleMs;
    deafTicks = unheard ? deafTicks + 1 : chunks.length > 0 ? 0 : deafTicks;
    if (deafTicks < deafAfterTicks) return;
    deafTicks = 0;
    onError(
      new Error('the queue holds work that is not delivered'),
      'taking chunks; the consumer is made anew',
    );
    await queues.restart();
  };

  /** With nothing to queue, so that readiness tells the truth about a queue that went away meanwhile. */
  const ping = async (): Promise<void> => {
    if (Date.now() - askedAt < pingMs) return;
    askedAt = Date.now();
    reachable = await queues.ping().then(
      () => true,
      () => false,
    );
  };

  const keepHouse = async (): Promise<void> => {
    const now = Date.now();
    if (now - endedAt >= pollMs) {
      endedAt = now;
      await steering.finishAllDone();
    }
    if (now - housekeptAt < housekeepingMs) return;
    housekeptAt = now;
    await pool.query(dropDeadStaging);
  };

  const look = async (): Promise<void> => {
    const { rows } = await pool.query<UnqueuedChunk>({ ...takeUnqueued, values: [window, trustSeconds] });
    if (rows.length > 0) await queue(byTurns(rows));
    else await ping();
    await listen(rows);
    await keepHouse();
  };

  const polling = createPolling({ look, everyMs: pollMs, onError, doing: 'queueing chunks' });
  return { start: polling.start, wake: polling.wake, reachable: () => reachable, stop: polling.stop };
};
