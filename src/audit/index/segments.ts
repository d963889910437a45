/** Positions in whole segments of the log that have all of some tokens, by their postings. */
import type { Db } from '../../db/pool.ts';
import { QuarterdeckError } from '../../errors.ts';
import type { Range } from '../reading.ts';
import type { Order } from '../request.ts';
import { endOf, offsetsWith, segmentOf, sharedKeyOf } from './postings.ts';
import { type SegmentRow, selectPostings, selectWords } from './sql/audit-index.ts';
import type { Token } from './tokens.ts';

export interface SegmentsAsked {
  readonly order: Order;
  readonly tokens: readonly Token[];
  /** Of words of a reason. */
  readonly words: readonly Token[];
  /** Positions to be handed out together at least, but for the last. */
  readonly together: number;
}

/** Of segments read together: few at first, since most pages are full after them, then more and more. */
const segmentsFirst = 1;
const segmentsMax = 256;

/** A segment's rows by key. */
type Rows = ReadonlyMap<number, Buffer>;
type BySegment = Map<number, Map<number, Buffer>>;
const noRows: Rows = new Map();

export const indexBehind = (position: number, upTo: number): QuarterdeckError =>
  new QuarterdeckError(
    'unavailable',
    `The audit index is being made: it has reached ${position} of ${upTo}. Filters answer once it is near; by time or stream alone the log can be read meanwhile.`,
    { retryAfterSeconds: 5 },
  );

export const createSegments = (pool: Db) => {
  const select = async (
    statement: typeof selectPostings,
    keys: readonly number[],
    { from, to, into }: { readonly from: number; readonly to: number; readonly into: BySegment },
  ): Promise<void> => {
    const { rows } = await pool.query<SegmentRow>({ ...statement, values: [keys, from, to] });
    const segments = rows[0]?.segments ?? 0;
    if (segments < to) throw indexBehind(endOf(segments), endOf(to));
    for (const { segment, key, postings } of rows) {
      if (key === null) continue;
      const own = into.get(segment) ?? new Map<number, Buffer>();
      into.set(segment, own.set(key, postings));
    }
  };

  /** Rows of their own first: where a value has one, what it might share with others need not be read. */
  const rowsOf = async (
    statement: typeof selectPostings,
    tokens: readonly Token[],
    from: number,
    to: number,
  ): Promise<ReadonlyMap<number, Rows>> => {
    const into: BySegment = new Map();
    if (tokens.length === 0) return into;
    await select(statement, tokens, { from, to, into });
    const segments = Array.from({ length: to - from }, (_, n) => from + n);
    const shared = tokens.filter((token) =>
      segments.some((segment) => into.get(segment)?.has(token) !== true),
    );
    if (shared.length > 0) await select(statement, shared.map(sharedKeyOf), { from, to, into });
    return into;
  };

  /** In the order asked for; one segment's positions are in memory at a time. */
  async function* inSegments(from: number, to: number, { tokens, words, order }: SegmentsAsked) {
    const [postings, reasons] = await Promise.all([
      rowsOf(selectPostings, tokens, from, to),
      rowsOf(selectWords, words, from, to),
    ]);
    for (let n = 0; n < to - from; n++) {
      const segment = order === 'oldest' ? from + n : to - 1 - n;
      const first = endOf(segment) + 1;
      const all = tokens.length === 0 ? undefined : offsetsWith(postings.get(segment) ?? noRows, tokens);
      const said = words.length === 0 ? undefined : offsetsWith(reasons.get(segment) ?? noRows, words);
      const positions = bothOf(all, said).map((offset) => first + offset);
      yield order === 'oldest' ? positions : positions.reverse();
    }
  }

  /** The range ends with the whole segments at the latest. @throws QuarterdeckError unavailable */
  async function* positionsIn(
    { after, upTo }: Range,
    asked: SegmentsAsked,
  ): AsyncGenerator<readonly number[]> {
    let low = segmentOf(after + 1);
    let high = segmentOf(upTo) + 1;
    let gathered: number[] = [];
    for (let size = segmentsFirst; low < high; size = Math.min(size * 8, segmentsMax)) {
      const from = asked.order === 'oldest' ? low : Math.max(low, high - size);
      const to = asked.order === 'oldest' ? Math.min(high, low + size) : high;
      for await (const positions of inSegments(from, to, asked)) {
        for (const position of positions) if (position > after && position <= upTo) gathered.push(position);
        if (gathered.length < asked.together) continue;
        yield gathered;
        gathered = [];
      }
      if (asked.order === 'oldest') low = to;
      else high = from;
    }
    if (gathered.length > 0) yield gathered;
  }

  return { positionsIn };
};

const bothOf = (a: readonly number[] | undefined, b: readonly number[] | undefined): readonly number[] => {
  if (a === undefined || b === undefined) return a ?? b ?? [];
  const second = new Set(b);
  return a.filter((offset) => second.has(offset));
};
