/**
 * The relay: queues whatever PostgreSQL says is unfinished. It looks on start, when woken and every
 * second; it needs no leader, because taking a chunk to queue it is one statement, and queueing it twice
 * is harmless. A queue that was flushed, restarted or unreachable is filled again from here.
 */
import type { Db } from '../db/pool.ts';
import type { Delivery } from './chunk.ts';
import { createFilling } from './filling.ts';
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
  /** The name of this environment; null: it does not matter. */
  readonly environment: string | null;
  /** Nothing is in hand here and nothing was delivered for a while. */
  readonly idleMs: () => number;
}

const pollMs = 1_000;
const trustSeconds = 5;
const housekeepingMs = 60_000;
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

export const createRelay = (options: Options): Relay => {
  const { pool, queues, steering, onError, window, idleMs, environment } = options;
  const filling = createFilling({ queues, onError, idleMs });
  let housekeptAt = 0;
  let endedAt = 0;

  const giveBack = (chunks: readonly UnqueuedChunk[]): Promise<unknown> => {
    const values = [chunks.map((c) => c.jobId), chunks.map((c) => c.chunk), 0];
    return pool.query({ ...requeueChunks, values });
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
    const { rows } = await pool.query<UnqueuedChunk>({
      ...takeUnqueued,
      values: [window, trustSeconds, environment],
    });
    if (rows.length > 0) await filling.add(byTurns(rows).map(queuedOf), () => giveBack(rows));
    else await filling.ping();
    await filling.listen(
      rows.length,
      rows.some(({ again }) => again),
    );
    await keepHouse();
  };

  const polling = createPolling({ look, everyMs: pollMs, onError, doing: 'queueing chunks' });
  return { start: polling.start, wake: polling.wake, reachable: filling.reachable, stop: polling.stop };
};
