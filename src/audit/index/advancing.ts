/**
 * One step of the index: a whole segment of the log into postings, or a page of its newest part into fresh
 * rows, which become postings when their segment is whole. Each step is one transaction that demands the
 * checkpoint it began from, so that two processes never both write.
 */
import { setImmediate } from 'node:timers/promises';
import { arrayText } from '../../db/array-text.ts';
import type { Db, Tx } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { EventLog } from '../../events/log.ts';
import { attributesVersion } from './attributes.ts';
import { endOf, gatherPostings, type PostingRow, segmentOf, segmentSize } from './postings.ts';
import type { Indexed, Reader } from './reader.ts';
import {
  clearFresh,
  emptyTables,
  type FreshRow,
  type IndexRow,
  insertFresh,
  insertPostings,
  insertWords,
  lockIndex,
  makeIndex,
  moveIndex,
  readFresh,
  readIndex,
  resetIndex,
  withoutTimeout,
} from './sql/audit-index.ts';

/** Another process has moved the checkpoint. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head'>;
  readonly reader: Reader;
}

/** Whether there was nothing to do, or a page up to the head, or more is left behind it. */
export type Step = 'nothing' | 'to-head' | 'behind';

const pageEvents = 2_000;
/** Between so many the process answers others: the one that indexes may be the one that serves. */
const eventsAtOnce = 500;

export interface Advancing {
  step(): Promise<Step>;
  /** Throws the index away; the steps after it make it anew. */
  reset(): Promise<void>;
}

export const createAdvancing = ({ pool, log, reader }: Deps): Advancing => {
  const standing = async (): Promise<IndexRow> => {
    const { rows } = await pool.query<IndexRow>(readIndex);
    if (rows[0] !== undefined) return rows[0];
    await pool.query({ ...makeIndex, values: [attributesVersion] });
    return standing();
  };

  const reset = (): Promise<void> =>
    inTransaction(pool, async (tx) => {
      await tx.query(withoutTimeout);
      await tx.query(lockIndex);
      for (const statement of emptyTables) await tx.query(statement);
      await tx.query({ ...resetIndex, values: [attributesVersion] });
    });

  const write = (
    from: IndexRow,
    to: number,
    segments: number,
    rows: (tx: Tx) => Promise<void>,
  ): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const { rows: locked } = await tx.query<IndexRow>(lockIndex);
      if (locked[0]?.position !== from.position || locked[0].version !== from.version) throw new Overtaken();
      await rows(tx);
      await tx.query({ ...moveIndex, values: [to, segments] });
    });

  const seal = async (
    tx: Tx,
    segment: number,
    events: readonly Pick<Indexed, 'tokens' | 'words'>[],
  ): Promise<void> => {
    const postings = gatherPostings();
    const reasons = gatherPostings();
    for (const [offset, { tokens, words }] of events.entries()) {
      postings.add(offset, tokens);
      reasons.add(offset, words);
      if (offset % eventsAtOnce === 0) await setImmediate();
    }
    await insert(tx, insertPostings, segment, postings.rows());
    await insert(tx, insertWords, segment, reasons.rows());
  };

  const readSegment = async (from: number): Promise<readonly Indexed[]> => {
    const end = from + segmentSize;
    const events: Indexed[] = [];
    for (let after = from; after < end; after = from + events.length) {
      const page = await reader.read(after, end, pageEvents);
      if (page.length === 0) throw new Error(`the log has no event behind ${after}`);
      events.push(...page);
    }
    return events;
  };

  const wholeSegment = async (index: IndexRow): Promise<void> => {
    const events = await readSegment(index.position);
    const segments = index.segments + 1;
    await write(index, endOf(segments), segments, (tx) => seal(tx, index.segments, events));
  };

  const page = async (index: IndexRow, end: number): Promise<number> => {
    const events = await reader.read(index.position, end, pageEvents);
    const to = events.at(-1)?.position ?? index.position;
    const completes = to === endOf(index.segments + 1);
    await write(index, to, index.segments + (completes ? 1 : 0), async (tx) => {
      await tx.query({ ...insertFresh, values: [...freshOf(events)] });
      if (!completes) return;
      const { rows } = await tx.query<FreshRow>(readFresh);
      await seal(tx, index.segments, rows);
      await tx.query(clearFresh);
    });
    return to;
  };

  return {
    reset,
    async step() {
      const index = await standing();
      if (index.version !== attributesVersion) {
        await reset();
        return 'behind';
      }
      const { position: head } = await log.head();
      if (index.position > head)
        throw new Error(`the audit index stands at ${index.position}, beyond the head of the log, ${head}`);
      if (index.position === head) return 'nothing';
      const end = endOf(segmentOf(index.position + 1) + 1);
      if (index.position === endOf(index.segments) && end <= head) {
        await wholeSegment(index);
        return 'behind';
      }
      return (await page(index, Math.min(end, head))) === head ? 'to-head' : 'behind';
    },
  };
};

const insert = async (
  tx: Tx,
  statement: typeof insertPostings,
  segment: number,
  rows: readonly PostingRow[],
): Promise<void> => {
  if (rows.length === 0) return;
  const postings = rows.map((row) => `\\x${row.postings.toString('hex')}`);
  await tx.query({
    ...statement,
    values: [segment, arrayText(rows.map(({ key }) => key)), arrayText(postings)],
  });
};

const freshOf = (events: readonly Indexed[]): readonly string[] => [
  arrayText(events.map(({ position }) => position)),
  arrayText(events.map(({ tokens }) => `{${tokens.join(',')}}`)),
  arrayText(events.map(({ words }) => `{${words.join(',')}}`)),
];
