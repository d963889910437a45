/**
 * Answers filters from the audit index: whole segments by their postings, what came since by fresh rows, and
 * what is not indexed yet by looking at it, so that a search right behind a command finds it. Whatever is
 * found is compared with the event before it is handed out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../../db/pool.ts';
import type { StoredEvent } from '../../events/envelope.ts';
import type { EventLog } from '../../events/log.ts';
import type { Batches, Range } from '../reading.ts';
import type { EventFilter } from '../request.ts';
import { readLog, readPositions } from '../sql/search-events.ts';
import { type AboutOf, attributesVersion, has, tokensAsked } from './attributes.ts';
import { packToken } from './packed-tokens.ts';
import { endOf } from './postings.ts';
import { createSegments, indexBehind, type SegmentsAsked } from './segments.ts';
import { type IndexRow, readIndex, searchFresh } from './sql/audit-index.ts';
import { type WordToken, wordsOf } from './tokens.ts';

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'decode' | 'complete'>;
  readonly aboutOf: AboutOf;
  readonly isOld: (event: StoredEvent) => boolean;
  readonly wordToken: WordToken;
  /** How long a search waits for an index that is too far behind. */
  readonly waitMs?: number;
}

interface Asked extends SegmentsAsked {
  readonly filter: EventFilter;
  readonly rowsMax: number;
  /** Of the reason, to be compared with the opened one. */
  readonly plainWords: readonly string[];
}

/** More than this the index may not be behind: looking at them one by one takes a second or so. */
const unindexedMax = 20_000;
const unindexedRows = 1_000;
const candidatesMin = 50;
const candidatesMax = 2_000;
const pollMs = 100;

const candidatesOf = (rowsMax: number): number => Math.max(candidatesMin, Math.min(rowsMax, candidatesMax));

export const createIndexedBatches = (deps: Deps): Batches => {
  const { pool, log, aboutOf, isOld, wordToken, waitMs = 2_000 } = deps;

  const { positionsIn } = createSegments(pool);

  const standing = async (): Promise<Pick<IndexRow, 'position' | 'segments'>> => {
    const { rows } = await pool.query<IndexRow>(readIndex);
    const [row] = rows;
    return row === undefined || row.version !== attributesVersion ? { position: 0, segments: 0 } : row;
  };

  const requireNear = async (upTo: number): Promise<void> => {
    const until = performance.now() + waitMs;
    for (;;) {
      const { position } = await standing();
      if (upTo - position <= unindexedMax) return;
      if (performance.now() > until) throw indexBehind(position, upTo);
      await sleep(pollMs);
    }
  };

  /** An event whose data is of an older shape, or whose reason matters, is decoded for the comparison. */
  const matching = async (rows: readonly StoredEvent[], asked: Asked): Promise<readonly StoredEvent[]> => {
    const { filter, plainWords } = asked;
    const events = await log.complete(rows);
    const near = events.filter((event) => isOld(event) || has(event, filter, aboutOf));
    const toOpen = plainWords.length > 0 ? near : near.filter(isOld);
    if (toOpen.length === 0) return near;
    const opened = await log.decode(toOpen);
    const kept = new Set<number>(
      near.filter((event) => !toOpen.includes(event)).map(({ position }) => position),
    );
    for (const event of opened) {
      const words = plainWords.length === 0 ? [] : wordsOf(event.metadata.reason ?? '');
      if (plainWords.every((word) => words.includes(word)) && has(event, filter, aboutOf))
        kept.add(event.position);
    }
    return near.filter(({ position }) => kept.has(position));
  };

  async function* atPositions(positions: readonly number[], asked: Asked) {
    const size = candidatesOf(asked.rowsMax);
    for (let at = 0; at < positions.length; at += size) {
      const values = [positions.slice(at, at + size)];
      const { rows } = await pool.query<StoredEvent>({ ...readPositions[asked.order], values });
      yield await matching(rows, asked);
    }
  }

  /** Ends where the whole segments do, or the range. */
  async function* throughSegments(range: Range, asked: Asked) {
    for await (const positions of positionsIn(range, asked)) yield* atPositions(positions, asked);
  }

  interface Fresh {
    readonly segments: number;
    readonly indexed: number;
    readonly found: readonly number[];
  }

  /** undefined: what was fresh has become a whole segment meanwhile. */
  const fresh = async (
    { after, upTo }: Range,
    segments: number,
    asked: Asked,
  ): Promise<Fresh | undefined> => {
    const values = [after, upTo, asked.tokens.map(packToken), asked.words.map(packToken)];
    const { rows } = await pool.query<Fresh>({ ...searchFresh, values });
    return rows[0]?.segments === segments ? rows[0] : undefined;
  };

  async function* throughFresh(range: Range, segments: number, asked: Asked) {
    const row = await fresh(range, segments, asked);
    if (row === undefined) return false;
    yield* atPositions(asked.order === 'oldest' ? row.found : row.found.toReversed(), asked);
    return true;
  }

  async function* unindexed(asked: Asked, whole: Range) {
    let { after, upTo } = whole;
    while (after < upTo) {
      const values = [after, upTo, unindexedRows];
      const { rows } = await pool.query<StoredEvent>({ ...readLog[asked.order], values });
      yield await matching(rows, asked);
      const last = rows.at(-1)?.position;
      if (last === undefined) return;
      if (asked.order === 'oldest') after = last;
      else upTo = last - 1;
    }
  }

  /** Each part in turn, from where the index stands by then. */
  async function* oldestFirst({ after, upTo }: Range, asked: Asked) {
    let done = after;
    while (done < upTo) {
      const { position, segments } = await standing();
      const whole = Math.min(endOf(segments), upTo);
      const indexed = Math.min(position, upTo);
      if (done < whole) {
        yield* throughSegments({ after: done, upTo: whole }, asked);
        done = whole;
      } else if (done < indexed) {
        if (yield* throughFresh({ after: done, upTo: indexed }, segments, asked)) done = indexed;
      } else {
        yield* unindexed(asked, { after: done, upTo });
        done = upTo;
      }
    }
  }

  async function* newestFirst({ after, upTo }: Range, asked: Asked) {
    let left = upTo;
    while (left > after) {
      const { position, segments } = await standing();
      const whole = Math.max(endOf(segments), after);
      const indexed = Math.max(position, after);
      if (left > indexed) {
        yield* unindexed(asked, { after: indexed, upTo: left });
        left = indexed;
      } else if (left > whole) {
        if (yield* throughFresh({ after: whole, upTo: left }, segments, asked)) left = whole;
      } else {
        yield* throughSegments({ after, upTo: left }, asked);
        left = after;
      }
    }
  }

  return async function* (range, filter, rowsMax, order = 'oldest') {
    await requireNear(range.upTo);
    const plainWords = filter.reason === undefined ? [] : wordsOf(filter.reason);
    const words = plainWords.map(wordToken);
    const asked = {
      filter,
      order,
      rowsMax,
      plainWords,
      words,
      tokens: tokensAsked(filter),
      together: candidatesOf(rowsMax),
    };
    yield* order === 'oldest' ? oldestFirst(range, asked) : newestFirst(range, asked);
  };
};
