/** Of all who write to the archive or move partitions, one at a time: two would undo each other's work. */
import type { Db } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import { lockArchive, unlockArchive } from './sql/members.ts';

/** @throws QuarterdeckError `rejected` where another process is at it */
export const nobodyBeside = async <T>(pool: Db, work: () => Promise<T>): Promise<T> => {
  const connection = await pool.connect();
  // One that breaks meanwhile has lost its lock; what is done is done in transactions of its own all the same.
  const onBroken = (): void => undefined;
  connection.on('error', onBroken);
  try {
    const { rows } = await connection.query<{ locked: boolean }>(lockArchive);
    if (rows[0]?.locked !== true)
      throw new QuarterdeckError(
        'rejected',
        'Another process writes to the archive or moves partitions now.',
      );
    return await work();
  } finally {
    const freed = await connection.query(unlockArchive).then(
      () => true,
      () => false,
    );
    connection.off('error', onBroken);
    connection.release(!freed);
  }
};
