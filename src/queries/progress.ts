/**
 * How far projections have come, for those who wait for it. After every commit the projector announces the
 * position: in this process at once, in others by NOTIFY `quarterdeck_projected`, at most one under way.
 * A notification is a hint; what counts is the checkpoint in the database, read once for all who wait.
 */
import type { Db } from '../db/pool.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import type { EventLog } from '../events/log.ts';
import { notifyProjected, readLivePositions } from './sql/projections.ts';

export const projectedChannel = 'quarterdeck_projected';

export interface Progress {
  /** The projector of this process committed up to here. */
  announce(position: number): void;
  /** Another process announced. */
  heard(): void;
  /** Calls back after announcements of any process. */
  onProjected(listener: () => void): () => void;
  /**
   * Resolves when the projection reflects the position; one that is being built is waited for as well.
   * @throws QuarterdeckError projection_behind, unavailable, invalid_input (beyond the head of the log).
   */
  waitFor(projection: string, position: number): Promise<void>;
  /** Resolves when what was announced has been sent; whoever still waits is told `unavailable`. */
  stop(): Promise<void>;
}

interface Options {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head'>;
  readonly onError: (error: unknown) => void;
  readonly timeoutMs: number;
  readonly pollMs?: number;
}

interface Waiter {
  readonly projection: string;
  readonly position: number;
  readonly settle: (error?: QuarterdeckError) => void;
}

export const notBuiltYet = (projection: string): QuarterdeckError =>
  new QuarterdeckError('unavailable', `The projection ${projection} is being built; it will answer soon.`, {
    retryAfterSeconds: 2,
  });

const behind = (projection: string, position: number): QuarterdeckError =>
  new QuarterdeckError('projection_behind', `The projection ${projection} has not reached ${position} yet.`, {
    retryAfterSeconds: 1,
  });

const beyondHead = (position: number, head: number): QuarterdeckError =>
  invalidInput(
    'Quarterdeck-Min-Position',
    `${position} is beyond the head of the log, ${head}; give a position that a command answered.`,
  );

/** Runs `work` again and again until nobody has asked since it began; one at a time. */
const repeating = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let asked = false;
  const run = async (): Promise<void> => {
    do {
      asked = false;
      await work();
    } while (asked);
  };
  return () => {
    asked = true;
    running ??= run().finally(() => {
      running = undefined;
    });
    return running;
  };
};

export const createProgress = ({ pool, log, onError, timeoutMs, pollMs = 250 }: Options): Progress => {
  const listeners = new Set<() => void>();
  const waiters = new Set<Waiter>();
  let newest = 0;
  let notified = 0;

  const livePositions = async (): Promise<ReadonlyMap<string, number>> => {
    const { rows } = await pool.query<{ name: string; position: number }>(readLivePositions);
    return new Map(rows.map(({ name, position }) => [name, position]));
  };

  const settleReached = repeating(async () => {
    if (waiters.size === 0) return;
    try {
      const positions = await livePositions();
      for (const { projection, position, settle } of waiters) {
        if ((positions.get(projection) ?? -1) >= position) settle();
      }
    } catch (error) {
      onError(error);
    }
  });

  const notify = repeating(async () => {
    if (notified >= newest) return;
    const position = newest;
    notified = position;
    await pool.query({ ...notifyProjected, values: [String(position)] }).then(undefined, onError);
  });

  const woken = (): void => {
    void settleReached();
    for (const listener of listeners) listener();
  };

  const poll = setInterval(() => void settleReached(), pollMs);
  poll.unref();

  const joined = (projection: string, position: number, tooLate: () => QuarterdeckError): Promise<void> =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => waiter.settle(tooLate()), timeoutMs);
      const waiter: Waiter = {
        projection,
        position,
        settle(error) {
          clearTimeout(timer);
          waiters.delete(waiter);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      waiters.add(waiter);
      void settleReached();
    });

  return {
    announce(position) {
      newest = Math.max(newest, position);
      woken();
      void notify();
    },
    heard: woken,
    onProjected(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async waitFor(projection, position) {
      const reached = (await livePositions()).get(projection);
      if (reached !== undefined && reached >= position) return;
      const head = (await log.head()).position;
      if (position > head) throw beyondHead(position, head);
      await joined(projection, position, () =>
        reached === undefined ? notBuiltYet(projection) : behind(projection, position),
      );
    },
    async stop() {
      clearInterval(poll);
      for (const { settle } of waiters)
        settle(new QuarterdeckError('unavailable', 'The server is stopping.'));
      await notify();
    },
  };
};
