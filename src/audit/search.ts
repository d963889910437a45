/**
 * Search and export of the log. A page or an export names how far the log went when it was read; an
 * export pages by position, so that it holds no transaction and little memory, whatever its size.
 */
import type { Db } from '../db/pool.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import type { RecordedEvent, StoredEvent } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { timeOf } from './moment.ts';
import type { EventExport, EventFilter, EventPage, ExportRequest, SearchRequest } from './request.ts';
import { searchEvents } from './sql/search-events.ts';

const limitDefault = 100;
const limitMax = 1_000;
const exportPage = 2_000;

interface Range {
  readonly after: number;
  readonly upTo: number;
}

export const createSearch = (pool: Db, log: EventLog) => {
  const read = async ({ after, upTo }: Range, filter: EventFilter, limit: number) => {
    const { stream = null, actor = null, type = null, command = null } = filter;
    const values = [after, upTo, stream, actor, type, command, limit];
    const { rows } = await pool.query<StoredEvent>(searchEvents, values);
    return log.decode(rows);
  };

  /** Times become positions: recordedAt grows with position, so that each names exactly one. */
  const rangeOf = async (
    filter: EventFilter,
    after: string | undefined,
  ): Promise<Range & { head: number }> => {
    checkActor(filter.actor);
    const { position: head } = await log.head();
    const from = filter.from === undefined ? undefined : timeOf('from', filter.from);
    const to = filter.to === undefined ? undefined : timeOf('to', filter.to);
    if (from !== undefined && to !== undefined && Date.parse(from) > Date.parse(to)) {
      throw invalidInput('from', 'must not lie after "to"');
    }
    const begin = from === undefined ? 0 : await log.positionBefore(from);
    const end = to === undefined ? head : await log.positionAt(to);
    return { head, after: Math.max(begin, cursorOf(after)), upTo: Math.min(end, head) };
  };

  const search = async ({ filter, after, limit = limitDefault }: SearchRequest): Promise<EventPage> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
      throw invalidInput('limit', `must be a whole number from 1 to ${limitMax}`);
    }
    const range = await rangeOf(filter, after);
    const data = await read(range, filter, limit);
    const last = data.at(-1)?.position;
    const more = data.length === limit && last !== undefined && last < range.upTo;
    return { data, nextCursor: more ? String(last) : null, position: range.head };
  };

  async function* pages(range: Range, filter: EventFilter): AsyncGenerator<RecordedEvent> {
    let { after } = range;
    for (;;) {
      const events = await read({ after, upTo: range.upTo }, filter, exportPage);
      yield* events;
      const last = events.at(-1);
      if (last === undefined || events.length < exportPage) return;
      after = last.position;
    }
  }

  const exportEvents = async (
    { filter, after }: ExportRequest,
    record: (range: Range) => Promise<number>,
  ): Promise<EventExport> => {
    const asked = await rangeOf(filter, after);
    // The export holds its own record, unless a time bounds it: what it covers is said before it is sent.
    const recordedAt = await record({ after: asked.after, upTo: asked.upTo });
    const range = filter.to === undefined ? { ...asked, upTo: recordedAt } : asked;
    return { position: Math.max(asked.head, recordedAt), events: pages(range, filter) };
  };

  return { search, exportEvents };
};

const checkActor = (actor: string | undefined): void => {
  if (actor?.includes('@') === true) {
    throw invalidInput(
      'actor',
      'must be an opaque actor id: e-mail addresses are encrypted and cannot be searched',
    );
  }
};

const cursorOf = (after: string | undefined): number => {
  if (after === undefined) return 0;
  if (!/^\d{1,15}$/.test(after))
    throw new QuarterdeckError('malformed_request', '"after" must be a position or a nextCursor.');
  return Number(after);
};
