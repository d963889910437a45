/**
 * Keeps what became of each item for so many days after a job's end, then reduces the job to its totals:
 * its results are first answered no more (410), then its chunks and rounds go, in bounded parts, so that no
 * transaction is long. The job's row with its counts stays, and so does the log, which can prove every item.
 * One process at a time does it, at its start and every quarter of an hour.
 */
import { holdLeadership, type Leadership } from '../db/leader.ts';
import type { Queryable } from '../db/pool.ts';
import type { Clock, OnError } from './ports.ts';
import { dropExpiredChunks, expireResults, markReduced } from './sql/retention.ts';

const everyMs = 15 * 60_000;
const jobsAtATime = 100;
const chunksAtATime = 200;

export interface Retention {
  /** Reduces whatever is due now; how many chunks went. */
  reduce(): Promise<number>;
  start(): void;
  stop(): Promise<void>;
}

export interface RetentionOptions {
  readonly pool: Queryable;
  readonly clock: Clock;
  readonly days: number;
  /** A direct connection for the lock of leadership. */
  readonly leaderUrl: string;
  readonly onError: OnError;
}

export const createRetention = ({ pool, clock, days, leaderUrl, onError }: RetentionOptions): Retention => {
  let stopping = false;
  let leadership: Leadership | undefined;
  let timer: NodeJS.Timeout | undefined;
  let reducing: Promise<unknown> = Promise.resolve();

  const changed = async (
    statement: { readonly name: string; readonly text: string },
    values: readonly unknown[],
  ): Promise<number> => (await pool.query({ ...statement, values: [...values] })).rowCount ?? 0;

  const reduce = async (): Promise<number> => {
    const now = clock();
    const before = new Date(Date.parse(now) - days * 86_400_000).toISOString();
    let dropped = 0;
    for (let more = true; more && !stopping; ) {
      more = (await changed(expireResults, [before, now, jobsAtATime])) === jobsAtATime;
      for (let chunks = chunksAtATime; chunks === chunksAtATime && !stopping; dropped += chunks)
        chunks = await changed(dropExpiredChunks, [chunksAtATime]);
    }
    await changed(markReduced, []);
    return dropped;
  };

  const turn = (): void => {
    reducing = reducing
      .then(reduce)
      .catch((error: unknown) => onError(error, 'reducing bulk jobs to their totals'));
  };

  return {
    reduce,
    start() {
      leadership ??= holdLeadership({
        url: leaderUrl,
        key: 'bulk-retention',
        onAcquired() {
          turn();
          timer = setInterval(turn, everyMs);
          timer.unref();
        },
        async onLost() {
          clearInterval(timer);
          await reducing;
        },
        log: () => undefined,
      });
    },
    async stop() {
      stopping = true;
      await leadership?.stop();
    },
  };
};
