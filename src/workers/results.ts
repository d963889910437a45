/**
 * What became of a job's items, by page or all of them. Read chunk by chunk, a few at a time, so that
 * memory does not grow with the job.
 */
import type { Db } from '../db/pool.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import type { StoredItem } from './items.ts';
import { resultOf, type StoredOutcome } from './outcomes.ts';
import { type ItemResult, type Outcome, outcomes } from './request.ts';
import { type DecidedChunkRow, selectChunksWith, selectDecidedChunks } from './sql/results.ts';
import { chunkItems } from './staging.ts';

const chunksAtATime = 8;

export interface Retried {
  readonly item: StoredItem;
  readonly outcome: StoredOutcome;
}

export interface Results {
  /** `after`: the index of the item before the page; -1 from the start. */
  page(
    jobId: string,
    outcome: Outcome | undefined,
    after: number,
    limit: number,
  ): Promise<readonly ItemResult[]>;
  all(jobId: string, outcome: Outcome | undefined): AsyncIterable<readonly ItemResult[]>;
  /** Items with such an outcome, as they were stored, and what became of them. */
  retriable(jobId: string, outcomes: readonly Outcome[]): AsyncIterable<readonly Retried[]>;
}

export const readOutcome = (text: string | undefined): Outcome | undefined => {
  if (text === undefined) return undefined;
  if ((outcomes as readonly string[]).includes(text)) return text as Outcome;
  throw invalidInput('outcome', `Give one of ${outcomes.join(', ')}.`);
};

/** The cursor of results is the index of the last item seen. */
export const readIndex = (cursor: string | undefined): number => {
  if (cursor === undefined) return -1;
  if (/^\d{1,7}$/.test(cursor)) return Number(cursor);
  throw new QuarterdeckError(
    'malformed_request',
    'This cursor is none of ours; take it from nextCursor of the page before.',
  );
};

const merged = ({ firstIndex, rounds, inputs }: DecidedChunkRow): readonly StoredOutcome[] => {
  const decided = rounds.flat() as StoredOutcome[];
  if (inputs === null) return decided.sort((a, b) => a.x - b.x);
  const known = new Set(decided.map(({ x }) => x));
  const cancelled = (inputs as StoredItem[]).flatMap(({ t, l }, n): StoredOutcome[] =>
    known.has(firstIndex + n)
      ? []
      : [{ x: firstIndex + n, t, ...(l === undefined ? {} : { l }), o: 'cancelled' }],
  );
  return [...decided, ...cancelled].sort((a, b) => a.x - b.x);
};

/** Rows of a statement over a job's chunks, in their order, a few at a time. */
export async function* eachChunk<Row extends { readonly chunk: number }>(
  pool: Db,
  statement: { readonly name: string; readonly text: string },
  jobId: string,
  ...more: readonly unknown[]
): AsyncGenerator<readonly Row[]> {
  for (let chunk = 0; ; ) {
    const values = [jobId, chunk, chunksAtATime, ...more];
    const { rows } = await pool.query<Row>({ ...statement, values });
    yield rows;
    if (rows.length < chunksAtATime) return;
    chunk = (rows.at(-1)?.chunk ?? chunk) + 1;
  }
}

export const createResults = (pool: Db): Results => {
  const chunksFrom = async (
    jobId: string,
    outcome: Outcome | undefined,
    chunk: number,
  ): Promise<readonly DecidedChunkRow[]> => {
    const values = [jobId, outcome ?? null, chunk, chunksAtATime];
    return (await pool.query<DecidedChunkRow>({ ...selectDecidedChunks, values })).rows;
  };

  async function* from(
    jobId: string,
    outcome: Outcome | undefined,
    after: number,
  ): AsyncGenerator<readonly ItemResult[]> {
    // No chunk but the first and the last is less than full, so an index says where to begin: there or one later.
    let chunk = Math.floor((after + 1) / chunkItems);
    for (;;) {
      const rows = await chunksFrom(jobId, outcome, chunk);
      for (const row of rows) {
        const wanted = merged(row).filter(
          (one) => one.x > after && (outcome === undefined || one.o === outcome),
        );
        if (wanted.length > 0) yield wanted.map(resultOf);
      }
      if (rows.length < chunksAtATime) return;
      chunk = (rows.at(-1)?.chunk ?? chunk) + 1;
    }
  }

  return {
    async page(jobId, outcome, after, limit) {
      const page: ItemResult[] = [];
      for await (const results of from(jobId, outcome, after)) {
        page.push(...results.slice(0, limit - page.length));
        if (page.length === limit) break;
      }
      return page;
    },
    all: (jobId, outcome) => from(jobId, outcome, -1),
    async *retriable(jobId, wanted) {
      for await (const rows of eachChunk<DecidedChunkRow>(pool, selectChunksWith, jobId, wanted)) {
        for (const row of rows) yield retriedIn(row, wanted);
      }
    },
  };
};

const retriedIn = (
  { firstIndex, rounds, inputs }: DecidedChunkRow,
  wanted: readonly Outcome[],
): readonly Retried[] => {
  const outcomes = new Map((rounds.flat() as StoredOutcome[]).map((outcome) => [outcome.x, outcome]));
  return (inputs as StoredItem[]).flatMap((item, n) => {
    const outcome = outcomes.get(firstIndex + n);
    return outcome !== undefined && wanted.includes(outcome.o) ? [{ item, outcome }] : [];
  });
};

/** @throws QuarterdeckError results_expired. */
export const requireResults = ({ resultsExpiredAt }: { readonly resultsExpiredAt: string | null }): void => {
  if (resultsExpiredAt === null) return;
  throw new QuarterdeckError(
    'results_expired',
    `Results of this job were kept until ${resultsExpiredAt}; its counts and the log remain.`,
  );
};
