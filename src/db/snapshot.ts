/**
 * One unchanging view of the database for several reads in turn: a read-only transaction that stays open
 * until `end`.
 */
import type { Db, Tx } from './pool.ts';

export interface Snapshot {
  readonly tx: Tx;
  /** Gives the connection back; one that broke is destroyed. */
  end(): Promise<void>;
}

export const openSnapshot = async (pool: Db): Promise<Snapshot> => {
  const tx = await pool.connect();
  let usable = true;
  const onBroken = (): void => {
    usable = false;
  };
  tx.on('error', onBroken);
  const end = async (): Promise<void> => {
    await tx.query('ROLLBACK').catch(onBroken);
    tx.off('error', onBroken);
    tx.release(!usable);
  };
  try {
    await tx.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    return { tx, end };
  } catch (error) {
    await end();
    throw error;
  }
};
