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
import { packTokens, unpackTokens } from './packed-tokens.ts';
import { endOf, type Gathering, gatherPostings, type PostingRow, segmentOf } from './postings.ts';
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
    rows: (tx: Tx, locked: IndexRow) => Promise<void>,
  ): Promise<void> =>
    inTransaction(pool, async (tx) => {
      const { rows: held } = await tx.query<IndexRow>(lockIndex);
      const [locked] = held;
      if (locked?.position !== from.position || locked.version !== from.version) throw new Overtaken();
      await rows(tx, locked);
      await tx.query({ ...moveIndex, values: [to, segments] });
    });

  const insertSegment = async (tx: Tx, { segment, postings, reasons }: Gathered): Promise<void> => {
    await insert(tx, insertPostings, segment, postings.rows());
    await insert(tx, insertWords, segment, reasons.rows());
  };

  const wholeSegment = async (index: IndexRow): Promise<void> => {
    const whole = gathering(index);
    const end = endOf(index.segments + 1);
    while (whole.position < end) {
      const events = await reader.read(whole.position, end, pageEvents);
      if (events.length === 0) throw new Error(`the log has no event behind ${whole.position}`);
      await gather(whole, events);
    }
    await write(index, end, index.segments + 1, (tx) => insertSegment(tx, whole));
  };

  /** Of the newest segment, by what this process has written of it; it need not be read back then. */
  let remembered: Gathered | undefined;

  const rememberedOf = (index: IndexRow): Gathered | undefined => {
    if (index.position === endOf(index.segments)) return gathering(index);
    const { segment, position, forgotten } = remembered ?? {};
    const same = segment === index.segments && position === index.position && forgotten === index.forgotten;
    return same ? remembered : undefined;
  };

  const readBack = async (tx: Tx, index: IndexRow): Promise<Gathered> => {
    const { rows } = await tx.query<FreshRow>(readFresh);
    const whole = gathering(index);
    await gather(whole, rows.map(unpacked));
    return whole;
  };

  const complete = async (
    tx: Tx,
    locked: IndexRow,
    known: Gathered | undefined,
    events: readonly Indexed[],
  ): Promise<void> => {
    const whole = known?.forgotten === locked.forgotten ? known : await readBack(tx, locked);
    await gather(whole, events);
    await insertSegment(tx, whole);
    await tx.query(clearFresh);
  };

  const page = async (index: IndexRow, end: number): Promise<number> => {
    const events = await reader.read(index.position, end, pageEvents);
    const to = events.at(-1)?.position ?? index.position;
    const known = rememberedOf(index);
    // Until it is committed nobody knows what is to be remembered.
    remembered = undefined;
    if (to === endOf(index.segments + 1)) {
      await write(index, to, index.segments + 1, (tx, locked) => complete(tx, locked, known, events));
      return to;
    }
    await write(index, to, index.segments, async (tx) => {
      await tx.query({ ...insertFresh, values: [...freshOf(events)] });
    });
    if (known !== undefined) {
      await gather(known, events);
      remembered = known;
    }
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

/** What is known of a segment so far. */
interface Gathered {
  readonly segment: number;
  readonly forgotten: number;
  readonly postings: Gathering;
  readonly reasons: Gathering;
  /** Of the last event. */
  position: number;
}

const gathering = ({ segments, forgotten }: IndexRow): Gathered => ({
  segment: segments,
  forgotten,
  postings: gatherPostings(),
  reasons: gatherPostings(),
  position: endOf(segments),
});

const gather = async (into: Gathered, events: readonly Indexed[]): Promise<void> => {
  const first = endOf(into.segment) + 1;
  for (const { position, tokens, words } of events) {
    into.postings.add(position - first, tokens);
    into.reasons.add(position - first, words);
    into.position = position;
    if (position % eventsAtOnce === 0) await setImmediate();
  }
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

const freshOf = (events: readonly Indexed[]): readonly unknown[] => {
  const tokens = packTokens(events.map((event) => event.tokens));
  const words = packTokens(events.map((event) => event.words));
  const positions = arrayText(events.map(({ position }) => position));
  return [positions, tokens.bytes, arrayText(tokens.ends), words.bytes, arrayText(words.ends)];
};

const unpacked = ({ position, tokens, words }: FreshRow): Indexed => ({
  position,
  tokens: unpackTokens(tokens),
  words: unpackTokens(words),
});
