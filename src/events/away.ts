/**
 * A database that is away for a while (restarted, failed over, out of connections) is waited for, a
 * bounded number of times with growing pauses; then the caller is told that it is unavailable. Only for
 * work that may be repeated: reads, and writes that know what became of them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { outcomeUnknown, provesRollback, sqlState } from '../db/sqlstate.ts';
import { QuarterdeckError } from '../errors.ts';

const attemptsMax = 8;
const pauseMs = (attempt: number): number => 50 * 2 ** attempt;
/** From the first attempt on; slow failures (connecting to a silent address) make for fewer attempts. */
const patienceMs = 30_000;

/** Whether another try may well succeed. */
export const isPassing = (error: unknown): boolean => provesRollback(error) || outcomeUnknown(error);

/** An append found no partition for its positions. */
export const lacksPartition = (error: unknown): boolean =>
  sqlState(error) === '23514' &&
  error instanceof Object &&
  String((error as { message?: unknown }).message).startsWith('no partition of relation');

interface Waiting {
  /** Said when patience ends; asked then. */
  readonly saying: () => string;
  readonly isPassing?: (error: unknown) => boolean;
}

/** @throws QuarterdeckError `unavailable`; what is not passing is thrown as it is. */
export const whileAway = async <T>(
  work: () => Promise<T>,
  { saying, isPassing: passes = isPassing }: Waiting,
): Promise<T> => {
  const begun = performance.now();
  for (let n = 0; ; n++) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error)) throw error;
      if (n === attemptsMax - 1 || performance.now() - begun > patienceMs) {
        throw new QuarterdeckError('unavailable', saying(), { retryAfterSeconds: 5, cause: error });
      }
    }
    await sleep(pauseMs(n));
  }
};
