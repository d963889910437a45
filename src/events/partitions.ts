/**
 * Keeps partitions made ahead of need: at start, and whenever the head has moved on by a part of one.
 */
import type { Db } from '../db/pool.ts';
import { ensurePartitions } from './sql/ensure-partitions.ts';

const ahead = 2;
/** A partition holds 2,000,000 positions, so two are ahead at every check this far apart. */
const checkEveryPositions = 250_000;

export const createPartitions = (pool: Db, onError: (error: unknown) => void) => {
  let checkedAt = 0;
  let underWay: Promise<void> | undefined;
  const ensure = async (): Promise<void> => {
    await pool.query({ ...ensurePartitions, values: [ahead] });
  };
  return {
    ensure,
    stop: async () => underWay,
    /** Called after every append; asks the database only now and then. */
    reached(position: number): void {
      if (position - checkedAt < checkEveryPositions) return;
      checkedAt = position;
      underWay ??= ensure()
        .catch(onError)
        .finally(() => {
          underWay = undefined;
        });
    },
  };
};
