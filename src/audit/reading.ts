/**
 * Reads stored events that match a filter, oldest first, in batches of one statement each. No transaction
 * stays open between two, and none looks through more than a window of the log, so that even a filter that
 * matches nothing in millions of events never runs into the bound on a statement's time.
 */
import type { Db } from '../db/pool.ts';
import type { StoredEvent } from '../events/envelope.ts';
import type { EventFilter } from './request.ts';
import { searchLog, searchStream } from './sql/search-events.ts';

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

  return (range, filter, rowsMax) =>
    (filter.stream === undefined ? throughLog : throughStream)(range, filter, rowsMax);
};
