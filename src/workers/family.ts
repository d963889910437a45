/**
 * What retries got done already. A job may be tried again more than once, and by two people at the same moment;
 * what failed in it takes effect in one of its retries alone. Items of a retry say which item of the first job they
 * are, so that what any retry of the family got done, or still has in hand, is no part of the next one.
 */
import type { Db, Queryable, Tx } from '../db/pool.ts';
import { QuarterdeckError } from '../errors.ts';
import type { JobRecord } from './job-record.ts';
import { eachChunk, type Retried } from './results.ts';
import { type FamilyRow, selectFamily, selectTaken, type TakenRow } from './sql/retries.ts';

export interface Family {
  /** Whether a retry got it done or has it in hand. */
  isTaken(retried: Retried): boolean;
  /** Its index in the first job; undefined: it is of a retry from before items said so. */
  indexOf(retried: Retried): number | undefined;
  /** Asked behind the append lock, where another retry is published. @throws QuarterdeckError `already_retried`. */
  requireNewest(tx: Tx): Promise<void>;
  /** Where nothing is left to be tried again. */
  nothingLeft(): QuarterdeckError;
}

const familyOf = async (db: Queryable, id: string): Promise<readonly FamilyRow[]> =>
  (await db.query<FamilyRow>({ ...selectFamily, values: [id] })).rows;

const alreadyRetried = (message: string): QuarterdeckError =>
  new QuarterdeckError('rejected', message, { rejection: 'already_retried' });

/** A byte an item of the first job. */
export const readFamily = async (
  pool: Db,
  { id, retryOf, dryRun }: Pick<JobRecord, 'id' | 'retryOf' | 'dryRun'>,
): Promise<Family> => {
  // A dry run does nothing, so that nothing of it can be done twice.
  const family = dryRun ? [] : await familyOf(pool, id);
  const [first, ...retries] = family;
  const taken = new Uint8Array(first?.total ?? 0);
  for (const retry of retries)
    for await (const rows of eachChunk<TakenRow>(pool, selectTaken, retry.id))
      for (const row of rows) for (const index of row.taken) taken[index] = 1;
  const indexOf = ({ item, outcome }: Retried): number | undefined => (retryOf === null ? outcome.x : item.r);
  return {
    indexOf,
    isTaken: (retried) => taken[indexOf(retried) ?? -1] === 1,
    async requireNewest(tx) {
      if (dryRun || (await familyOf(tx, id)).length === family.length) return;
      throw alreadyRetried('It was tried again at the same moment; look what became of that first.');
    },
    nothingLeft: () =>
      alreadyRetried(
        `Retries got all of it done or have it in hand: ${retries.map((one) => one.id).join(', ')}.`,
      ),
  };
};
