/**
 * One transaction on one connection of a pool. It commits when `work` resolves and rolls back when it
 * throws; the caller always sees the first error, never one of the clean-up. A connection that broke or
 * could not roll back is destroyed instead of going back to the pool.
 */
import { QuarterdeckError } from '../errors.ts';
import type { Db, Tx } from './pool.ts';

export interface TransactionOptions {
  readonly readOnly?: boolean;
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable';
}

const begin = ({ readOnly = false, isolation = 'read committed' }: TransactionOptions): string =>
  `BEGIN ISOLATION LEVEL ${isolation} ${readOnly ? 'READ ONLY' : 'READ WRITE'}`;

/** PostgreSQL answers COMMIT of a failed transaction with a ROLLBACK and no error. */
async function commit(tx: Tx): Promise<void> {
  const { command } = await tx.query('COMMIT');
  if (command !== 'COMMIT') {
    throw new QuarterdeckError('internal', 'A statement of the transaction had failed: it was rolled back.');
  }
}

const rollBack = (tx: Tx): Promise<boolean> =>
  tx.query('ROLLBACK').then(
    () => true,
    () => false,
  );

export async function inTransaction<T>(
  pool: Db,
  work: (tx: Tx) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const tx = await pool.connect();
  let usable = true;
  // Without a listener a connection that breaks between two statements would end the process.
  const onBroken = () => {
    usable = false;
  };
  tx.on('error', onBroken);
  try {
    await tx.query(begin(options));
    const result = await work(tx);
    await commit(tx);
    return result;
  } catch (error) {
    usable = (await rollBack(tx)) && usable;
    throw error;
  } finally {
    tx.off('error', onBroken);
    tx.release(!usable);
  }
}
