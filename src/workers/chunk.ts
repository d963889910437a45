/**
 * The chunk worker. Takes the chunk's lease, acts as the requester as they are now, and runs rounds until
 * nothing of the chunk is pending. It may be killed anywhere: what a round committed is found again,
 * what it did not commit never happened.
 */
import { failsTooMuch, failureRatioExceeded } from './failures.ts';
import { openItems, type StoredItem } from './items.ts';
import type { StoredOutcome } from './outcomes.ts';
import { awaitTurn, groupsMax, Later, portionOf } from './pacing.ts';
import type { Parts } from './parts.ts';
import { permittedRequester } from './requester.ts';
import { createRounds, leaseSeconds, Stopped } from './round.ts';
import { createSettling } from './settling.ts';
import {
  type LeasedRow,
  leaseChunk,
  releaseChunk,
  renewLease,
  selectRounds,
  startJob,
} from './sql/chunks.ts';
import type { Steering } from './steering.ts';
import { type Sorted, sortItems, type Work } from './work.ts';

const conflictsTogetherMax = 5;
/** A round keeps the one thread busy for 0.1 ms a group, and a command waits for it several times over. */
const groupsBesidePeople = 40;
const renewEveryMs = 1_500;
const backoffSecondsMax = 30;

export interface Delivery {
  readonly jobId: string;
  readonly chunk: number;
}

export interface ChunkWorker {
  /** Never throws: whatever happens, PostgreSQL knows what is left to do. */
  run(delivery: Delivery): Promise<void>;
  /** Chunks in hand finish their round and are given back; resolves when they are. */
  stop(): Promise<void>;
  readonly inHand: () => number;
  readonly itemsDecided: () => number;
  readonly lastActiveAt: () => number;
  /** Milliseconds since a chunk in hand was taken or had a round committed; 0 while none is. */
  readonly stalledMs: () => number;
  /** Deliveries that ended in a fault since a round was committed. */
  readonly failedInRow: () => number;
}

export const createChunkWorker = (parts: Parts, steering: Steering): ChunkWorker => {
  const { pool, store, progress, headroom, onError } = parts;
  let stopping = false;
  let inHand = 0;
  let itemsDecided = 0;
  let failedInRow = 0;
  let lastActiveAt = Date.now();
  let onEmpty: () => void = () => undefined;
  const waking = new Set<NodeJS.Timeout>();

  const settling = createSettling({
    rounds: createRounds(parts),
    onError,
    onRound({ job }, { decided }) {
      itemsDecided += decided;
      lastActiveAt = Date.now();
      failedInRow = 0;
      if (decided > 0) progress.moved(job.id);
    },
  });

  const load = async (work: Work, { firstIndex, inputs }: LeasedRow): Promise<Sorted> => {
    const { rows } = await pool.query<{ outcomes: readonly StoredOutcome[] }>({
      ...selectRounds,
      values: [work.job.id, work.chunk],
    });
    const decided = new Set(rows.flatMap(({ outcomes }) => outcomes.map(({ x }) => x)));
    const stored = inputs as readonly StoredItem[];
    const common = work.job.written.input ?? {};
    const opened = await openItems({ command: work.command, common, codec: parts.codec }, stored);
    return sortItems(work, stored, opened, firstIndex, decided);
  };

  const runRounds = async (work: Work, sorted: Sorted): Promise<void> => {
    let { settled } = sorted;
    let queue = [...sorted.groups];
    while ((queue.length > 0 || settled.length > 0) && !stopping) {
      await headroom.turn();
      const alone = queue.find(({ conflicts }) => conflicts >= conflictsTogetherMax);
      if (alone !== undefined) {
        await awaitTurn(pool, work.job, alone.items.length);
        queue = queue.filter((group) => group !== alone);
        await settling.alone(work, alone);
        continue;
      }
      const groupsAtMost = headroom.besidePeople() ? groupsBesidePeople : groupsMax;
      const portion = portionOf(work.job, queue, settled, groupsAtMost);
      await awaitTurn(pool, work.job, portion.items);
      queue = queue.slice(portion.groups.length);
      settled = settled.slice(portion.settled.length);
      const round = () => settling.together(work, portion.groups, portion.settled);
      queue.push(...(await headroom.inLine(round)));
    }
  };

  const keepLease = (work: Work): (() => void) => {
    const timer = setInterval(() => {
      const values = [work.job.id, work.chunk, work.lease, leaseSeconds];
      pool
        .query({ ...renewLease, values })
        .catch((error: unknown) => onError(error, 'renewing a chunk’s lease'));
    }, renewEveryMs);
    timer.unref();
    return () => clearInterval(timer);
  };

  const workOn = async (delivery: Delivery, lease: string, row: LeasedRow): Promise<void> => {
    const job = await store.get(delivery.jobId);
    // Read together with the control version that every round depends on: paused since the lease, say.
    if (job.state !== 'running') return;
    if (failsTooMuch(job)) return steering.pauseItself(job, failureRatioExceeded);
    const command = parts.catalogue.find(job.command);
    if (command === undefined) return steering.pauseItself(job, 'command_not_available');
    const principal = await permittedRequester(parts.requesters, job, command);
    if (principal === undefined) return steering.pauseItself(job, 'requester_not_permitted');
    const work: Work = { job, command, principal, chunk: delivery.chunk, lease, rounds: row.rounds };
    const stopKeeping = keepLease(work);
    try {
      await runRounds(work, await load(work, row));
    } finally {
      stopKeeping();
    }
    if (job.maxFailureRatio !== null) await judge(job.id);
  };

  /** With what this chunk came to. */
  const judge = async (jobId: string): Promise<void> => {
    const job = await store.get(jobId);
    if (job.state === 'running' && failsTooMuch(job)) await steering.pauseItself(job, failureRatioExceeded);
  };

  const wakeIn = (jobId: string, ms: number): void => {
    const timer = setTimeout(() => {
      waking.delete(timer);
      progress.changed(jobId);
    }, ms);
    timer.unref();
    waking.add(timer);
  };

  const attempt = async (delivery: Delivery): Promise<void> => {
    const { jobId, chunk } = delivery;
    const lease = parts.newId();
    const { rows } = await pool.query<LeasedRow>({
      ...leaseChunk,
      values: [jobId, chunk, lease, leaseSeconds],
    });
    const row = rows[0];
    if (row === undefined) return;
    let pauseSeconds = 0;
    try {
      await pool.query({ ...startJob, values: [jobId] });
      await workOn(delivery, lease, row);
    } catch (error) {
      if (error instanceof Later) wakeIn(jobId, error.ms);
      else if (!(error instanceof Stopped)) {
        pauseSeconds = Math.min(2 ** Math.min(row.attempts, 6) / 2, backoffSecondsMax);
        throw error;
      }
    } finally {
      await pool.query({ ...releaseChunk, values: [jobId, chunk, lease, pauseSeconds] });
    }
    await steering.finishIfDone(jobId);
  };

  return {
    async run(delivery) {
      lastActiveAt = Date.now();
      if (stopping) return;
      inHand++;
      try {
        await attempt(delivery);
      } catch (error) {
        failedInRow++;
        onError(error, `working on chunk ${delivery.chunk} of the bulk job ${delivery.jobId}`);
      } finally {
        inHand--;
        if (inHand === 0) onEmpty();
        progress.changed(delivery.jobId);
      }
    },
    async stop() {
      stopping = true;
      for (const timer of waking) clearTimeout(timer);
      if (inHand === 0) return;
      await new Promise<void>((resolve) => {
        onEmpty = resolve;
      });
    },
    inHand: () => inHand,
    itemsDecided: () => itemsDecided,
    lastActiveAt: () => lastActiveAt,
    stalledMs: () => (inHand === 0 ? 0 : Date.now() - lastActiveAt),
    failedInRow: () => failedInRow,
  };
};
