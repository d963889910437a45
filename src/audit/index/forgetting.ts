/**
 * Removes the words of one actor's reasons from the index, after the actor's key was destroyed. The indexer
 * may have opened a page just before that and write it just after, so the index must first have taken in
 * everything of before. What is removed is found by the actor's own postings; the lock keeps the indexer away.
 * Processes remember keys for a minute: whoever erases keeps the actor from acting before.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { arrayText } from '../../db/array-text.ts';
import type { Db, Tx } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import { QuarterdeckError } from '../../errors.ts';
import type { EventLog } from '../../events/log.ts';
import { packToken } from './packed-tokens.ts';
import { keysOf, offsetsWith, type PostingRow, without } from './postings.ts';
import {
  clearFreshWords,
  countForgotten,
  holdIndex,
  type IndexRow,
  readIndex,
  removeWords,
  replaceWords,
  type SegmentRow,
  selectPostings,
  wordsOfSegment,
} from './sql/audit-index.ts';
import { tokenOf } from './tokens.ts';

const waitMs = 10_000;
const pollMs = 100;
const segmentsTogether = 64;

const removeFrom = async (tx: Tx, segment: number, gone: ReadonlySet<number>): Promise<void> => {
  const { rows } = await tx.query<PostingRow>({ ...wordsOfSegment, values: [segment] });
  const left = rows.map((row) => ({ ...row, less: without(row, gone) }));
  const emptied = left.filter(({ less }) => less === undefined).map(({ key }) => key);
  const lessened = left.flatMap(({ key, less, postings }) =>
    less === undefined || less.equals(postings) ? [] : [{ key, text: `\\x${less.toString('hex')}` }],
  );
  await tx.query({ ...removeWords, values: [segment, emptied] });
  const values = [segment, lessened.map(({ key }) => key), arrayText(lessened.map(({ text }) => text))];
  await tx.query({ ...replaceWords, values });
};

export const createForgetting = (pool: Db, log: Pick<EventLog, 'head'>) => {
  const caughtUp = async (): Promise<void> => {
    const { position: head } = await log.head();
    const until = performance.now() + waitMs;
    for (;;) {
      const { rows } = await pool.query<IndexRow>(readIndex);
      if ((rows[0]?.position ?? 0) >= head) return;
      if (performance.now() > until)
        throw new QuarterdeckError('unavailable', 'The audit index is too far behind to be scrubbed.', {
          retryAfterSeconds: 30,
        });
      await sleep(pollMs);
    }
  };

  const clearFresh = (token: number): Promise<number> =>
    inTransaction(pool, async (tx) => {
      const { rows } = await tx.query<IndexRow>(holdIndex);
      await tx.query(countForgotten);
      await tx.query({ ...clearFreshWords, values: [packToken(token)] });
      return rows[0]?.segments ?? 0;
    });

  /** How many of them had any. */
  const clearSegments = async (token: number, from: number, to: number): Promise<number> => {
    let cleared = 0;
    const values = [keysOf(token), from, to];
    const { rows } = await pool.query<SegmentRow>({ ...selectPostings, values });
    for (let segment = from; segment < to; segment++) {
      const own = rows.filter((row) => row.key !== null && row.segment === segment);
      const byKey = new Map(own.map(({ key, postings }) => [Number(key), postings]));
      const gone = new Set(offsetsWith(byKey, [token]));
      if (gone.size === 0) continue;
      await inTransaction(pool, async (tx) => {
        await tx.query(holdIndex);
        await removeFrom(tx, segment, gone);
      });
      cleared++;
    }
    return cleared;
  };

  return async (actor: string, wait: boolean): Promise<number> => {
    if (wait) await caughtUp();
    let cleared = 0;
    const token = tokenOf('actor', actor);
    const segments = await clearFresh(token);
    for (let from = 0; from < segments; from += segmentsTogether)
      cleared += await clearSegments(token, from, Math.min(from + segmentsTogether, segments));
    return cleared;
  };
};
