/**
 * Reads stored events that match a filter, in batches of one statement each, oldest or newest first. No
 * transaction stays open between two. Without a filter it goes through the log, along one stream by the log's
 * own index; every other filter is the audit index's to answer.
 */
import type { Db } from '../db/pool.ts';
import type { StoredEvent } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import type { EventFilter, Order } from './request.ts';
import { readLog, readStream } from './sql/search-events.ts';

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
  order?: Order,
) => AsyncGenerator<readonly StoredEvent[]>;

/** Times are bounds of the range by now. */
const namesOf = (filter: EventFilter): readonly string[] =>
  Object.entries(filter).flatMap(([name, value]) =>
    value === undefined || name === 'from' || name === 'to' ? [] : [name],
  );

const beyond = ({ after, upTo }: Range, last: number, order: Order): Range =>
  order === 'oldest' ? { after: last, upTo } : { after, upTo: last - 1 };

export const createBatches = (pool: Db, log: Pick<EventLog, 'complete'>, indexed: Batches): Batches => {
  async function* throughLog(asked: Range, rowsMax: number, order: Order) {
    let range = asked;
    while (range.after < range.upTo) {
      const values = [range.after, range.upTo, rowsMax];
      const { rows } = await pool.query<StoredEvent>({ ...readLog[order], values });
      yield await log.complete(rows);
      const last = rows.at(-1);
      if (last === undefined || rows.length < rowsMax) return;
      range = beyond(range, last.position, order);
    }
  }

  async function* throughStream({ after, upTo }: Range, stream: string, rowsMax: number, order: Order) {
    let version: number | null = null;
    for (;;) {
      const values: unknown[] = [after, upTo, rowsMax, stream, version];
      const { rows } = await pool.query<StoredEvent>(readStream[order], values);
      yield await log.complete(rows);
      if (rows.length < rowsMax) return;
      version = rows.at(-1)?.version ?? version;
    }
  }

  return (range, filter, rowsMax, order = 'oldest') => {
    const names = namesOf(filter);
    if (names.length === 0) return throughLog(range, rowsMax, order);
    if (names.length === 1 && filter.stream !== undefined)
      return throughStream(range, filter.stream, rowsMax, order);
    return indexed(range, filter, rowsMax, order);
  };
};
