/**
 * Search and export of the log. A page or an export names how far the log went when it was read; an
 * export pages by position, so that it holds no transaction and little memory, whatever its size.
 */
import { isEveryRow, type Rows } from '../access/principal.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { pastTimeOf } from '../events/asked-moment.ts';
import type { RecordedEvent, StoredEvent, Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { checkFilter, orderOf } from './asked.ts';
import type { Batches, Range } from './reading.ts';
import type { EventExport, EventFilter, EventPage, ExportRequest, Order, SearchRequest } from './request.ts';
import type { Shown } from './shown.ts';

const limitDefault = 100;
const limitMax = 1_000;
const exportRows = 2_000;
/** Looked at together, and in all for one page, by somebody who may see some of them only. */
const narrowedRows = 500;
const narrowedMax = 10_000;

export const createSearch = (
  log: Pick<EventLog, 'head' | 'positionAt' | 'positionBefore' | 'decode'>,
  batches: Batches,
  shown: Shown,
  clock: () => Timestamp,
) => {
  /** Times become positions: recordedAt grows with position, so that each names exactly one. */
  const rangeOf = async (
    filter: EventFilter,
    after: string | undefined,
    order: Order,
  ): Promise<Range & { head: number }> => {
    checkFilter(filter);
    const cursor = cursorOf(after);
    const { position: head, recordedAt } = await log.head();
    const now = recordedAt !== undefined && recordedAt > clock() ? recordedAt : clock();
    const from = filter.from === undefined ? undefined : pastTimeOf('from', filter.from, now);
    const to = filter.to === undefined ? undefined : pastTimeOf('to', filter.to, now);
    if (from !== undefined && to !== undefined && from > to) {
      throw invalidInput('from', 'must not lie after "to"');
    }
    if (cursor !== undefined && cursor > head)
      throw invalidInput('after', `is beyond the head of the log, which is at ${head}`);
    const begin = from === undefined ? 0 : await log.positionBefore(from);
    const end = to === undefined ? head : await log.positionAt(to);
    const range = { head, after: begin, upTo: Math.min(end, head) };
    if (cursor === undefined) return range;
    return order === 'oldest'
      ? { ...range, after: Math.max(begin, cursor) }
      : { ...range, upTo: Math.min(range.upTo, cursor - 1) };
  };

  const search = async (
    { filter, after, limit = limitDefault, order: asked }: SearchRequest,
    rows: Rows,
  ): Promise<EventPage> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
      throw invalidInput('limit', `must be a whole number from 1 to ${limitMax}`);
    }
    const order = orderOf(asked);
    const range = await rangeOf(filter, after, order);
    if (!isEveryRow(rows)) return searchShown(range, filter, limit, rows, order);
    const found: StoredEvent[] = [];
    // One more than asked for tells whether there is a next page.
    for await (const batch of batches(range, filter, limit + 1, order)) {
      found.push(...batch);
      if (found.length > limit) break;
    }
    const page = found.slice(0, limit);
    const nextCursor = found.length > limit ? String(page.at(-1)?.position) : null;
    return { data: await log.decode(page), nextCursor, position: range.head };
  };

  /**
   * A page may be short of its limit and yet have another behind it: how much of the log is looked through
   * for one is bounded, whatever of it may be seen.
   */
  const searchShown = async (
    range: Range & { head: number },
    filter: EventFilter,
    limit: number,
    rows: Rows,
    order: Order,
  ): Promise<EventPage> => {
    const found: RecordedEvent[] = [];
    let looked = 0;
    for await (const batch of batches(range, filter, narrowedRows, order)) {
      const events = withReason(await shown(await log.decode(batch), rows), filter);
      found.push(...events.slice(0, limit - found.length + 1));
      if (found.length > limit) break;
      looked += batch.length;
      const last = batch.at(-1)?.position;
      if (looked >= narrowedMax && last !== undefined)
        return { data: found, nextCursor: String(last), position: range.head };
    }
    const data = found.slice(0, limit);
    const nextCursor = found.length > limit ? String(data.at(-1)?.position) : null;
    return { data, nextCursor, position: range.head };
  };

  async function* readable(
    range: Range,
    filter: EventFilter,
    rows: Rows,
    order: Order,
  ): AsyncGenerator<RecordedEvent> {
    for await (const batch of batches(range, filter, exportRows, order))
      yield* withReason(await shown(await log.decode(batch), rows), filter);
  }

  const exportEvents = async (
    { filter, after, order: wanted }: ExportRequest,
    rows: Rows,
    record: (range: Range) => Promise<number>,
  ): Promise<EventExport> => {
    const order = orderOf(wanted);
    const asked = await rangeOf(filter, after, order);
    // The export holds its own record, unless a time bounds it: what it covers is said before it is sent.
    const recordedAt = await record({ after: asked.after, upTo: asked.upTo });
    const open = filter.to === undefined && (order === 'oldest' || after === undefined);
    const range = open ? { ...asked, upTo: recordedAt } : asked;
    return { position: Math.max(asked.head, recordedAt), events: readable(range, filter, rows, order) };
  };

  return { search, exportEvents };
};

/** An event whose reason is not shown may not tell of it by being found. */
const withReason = (events: readonly RecordedEvent[], { reason }: EventFilter): readonly RecordedEvent[] =>
  reason === undefined ? events : events.filter(({ metadata }) => metadata.reason !== undefined);

const cursorOf = (after: string | undefined): number | undefined => {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after))
    throw new QuarterdeckError('malformed_request', '"after" must be a position or a nextCursor.');
  return Number(after);
};
