/**
 * Wraps every key of personal data by the master key in use, while everything runs: keys wrapped by either are
 * opened alike. In batches that commit each by itself, so that it goes on where it was stopped.
 */
import { arrayText } from '../db/array-text.ts';
import type { Db } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { type MasterKeys, unwrapAll, type WrappedKey } from './master-keys.ts';
import {
  countKeysToRewrap,
  saveRewrapped,
  selectAnySubject,
  selectKeysToRewrap,
} from './sql/subject-keys.ts';

/** Whether there is anybody whose data could be erased. */
export const keepsPersonalData = async (db: Db): Promise<boolean> => {
  const { rows } = await db.query<{ any: boolean }>(selectAnySubject);
  return rows[0]?.any === true;
};

const batchKeys = 1_000;

type Row = WrappedKey & { readonly wrappedBy: string | null };

/** `onProgress` is told after each batch how many are done and how many there were. Answers how many it wrapped. */
export const rewrapKeys = async (
  pool: Db,
  master: MasterKeys,
  onProgress: (done: number, all: number) => void,
): Promise<number> => {
  const counted = await pool.query<{ keys: number }>({ ...countKeysToRewrap, values: [master.current.id] });
  const all = counted.rows[0]?.keys ?? 0;

  let last = '';
  const batch = (): Promise<number> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<Row>({
        ...selectKeysToRewrap,
        values: [master.current.id, last, batchKeys],
      });
      if (rows.length === 0) return 0;
      const keys = await unwrapAll(master, rows);
      const wrapped = await master.current.wrap(
        rows.map(({ subject }, n) => ({ subject, key: keys[n] as Buffer })),
      );
      const hex = arrayText(wrapped.map((bytes) => `\\x${bytes.toString('hex')}`));
      const values = [arrayText(rows.map(({ subject }) => subject)), hex, master.current.id];
      await tx.query({ ...saveRewrapped, values });
      last = rows.at(-1)?.subject ?? last;
      return rows.length;
    });

  let done = 0;
  for (;;) {
    const wrapped = await batch();
    if (wrapped === 0) return done;
    done += wrapped;
    onProgress(done, Math.max(all, done));
  }
};
