/**
 * Reads stored events that match a filter, oldest or newest first, in batches of one statement each. No transaction
 * stays open between two, and none looks through more than a window of the log, so that even a filter that
 * matches nothing in millions of events never runs into the bound on a statement's time.
 */
import type { Db } from '../db/pool.ts';
import type { StoredEvent } from '../events/envelope.ts';
import type { EventFilter } from './request.ts';
import { searchLog, searchLogBackwards, searchStream, searchStreamBackwards } from './sql/search-events.ts';

/** Positions that one statement looks through: a second or two of work where nothing matches. */
const windowPositions = 500_000;

export interface Range {
  /** Exclusive. */
  readonly after: number;
  /** Inclusive. */
  readonly upTo: number;
}

export type Batches = (
  range: Range,
  filter: EventFilter,
  rowsMax: number,
  /** The newest first. */
  backwards?: boolean,
) => AsyncGenerator<readonly StoredEvent[]>;

export const createBatches = (pool: Db, window = windowPositions): Batches => {
  async function* throughLog(range: Range, filter: EventFilter, rowsMax: number) {
    const { actor = null, type = null, command = null } = filter;
    let { after } = range;
    while (after < range.upTo) {
      const end = Math.min(after + window, range.upTo);
      const values = [after, end, actor, type, command, rowsMax];
      const { rows } = await pool.query<StoredEvent>(searchLog, values);
      yield rows;
      after = rows.length < rowsMax ? end : (rows.at(-1)?.position ?? end);
    }
  }

  async function* throughStream(range: Range, filter: EventFilter, rowsMax: number) {
    const { stream, actor = null, type = null, command = null } = filter;
    let version = 0;
    for (;;) {
      const values = [range.after, range.upTo, actor, type, command, rowsMax, stream, version];
      const { rows } = await pool.query<StoredEvent>(searchStream, values);
      yield rows;
      if (rows.length < rowsMax) return;
      version = rows.at(-1)?.version ?? version;
    }
  }

  async function* backThroughLog(range: Range, filter: EventFilter, rowsMax: number) {
    const { actor = null, type = null, command = null } = filter;
    let { upTo } = range;
    while (upTo > range.after) {
      const begin = Math.max(range.after, upTo - window);
      const values = [begin, upTo, actor, type, command, rowsMax];
      const { rows } = await pool.query<StoredEvent>(searchLogBackwards, values);
      yield rows;
      upTo = rows.length < rowsMax ? begin : (rows.at(-1)?.position ?? begin + 1) - 1;
    }
  }

  async function* backThroughStream(range: Range, filter: EventFilter, rowsMax: number) {
    const { stream, actor = null, type = null, command = null } = filter;
    let version = versionMax;
    for (;;) {
      const values = [range.after, range.upTo, actor, type, command, rowsMax, stream, version];
      const { rows } = await pool.query<StoredEvent>(searchStreamBackwards, values);
      yield rows;
      if (rows.length < rowsMax) return;
      version = rows.at(-1)?.version ?? version;
    }
  }

  return (range, filter, rowsMax, backwards = false) => {
    const ofStream = filter.stream !== undefined;
    if (backwards) return (ofStream ? backThroughStream : backThroughLog)(range, filter, rowsMax);
    return (ofStream ? throughStream : throughLog)(range, filter, rowsMax);
  };
};

/** Versions are four bytes in the database. */
const versionMax = 2_147_483_647;
