/**
 * Search and export of the log. A page or an export names how far the log went when it was read; an
 * export pages by position, so that it holds no transaction and little memory, whatever its size.
 */
import { isEveryRow, type Rows } from '../access/principal.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { pastTimeOf } from '../events/asked-moment.ts';
import { isEngineStream, type RecordedEvent, type StoredEvent, type Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { checkFilter, orderOf } from './asked.ts';
import type { Asking, Fields, ReadableEvent } from './fields.ts';
import type { IsThere, KnownValues } from './known.ts';
import type { Batches, Range } from './reading.ts';
import type { EventExport, EventFilter, EventPage, ExportRequest, Order, SearchRequest } from './request.ts';
import type { Shown, StreamsReached } from './shown.ts';

const limitDefault = 100;
const limitMax = 1_000;
const exportRows = 2_000;
/** Looked at together, and in all for one page, by somebody who may see some of them only. */
const narrowedRows = 500;
const narrowedMax = 10_000;

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'positionAt' | 'positionBefore' | 'decode'>;
  readonly batches: Batches;
  readonly shown: Shown;
  readonly streamsReached: StreamsReached;
  readonly fields: Fields;
  readonly known: KnownValues;
  readonly clock: () => Timestamp;
}

type AskingInOrder = Asking & { readonly order: Order };

/** A page before it is known whether its personal fields are on record. */
type Found = Omit<EventPage, 'data'> & { readonly found: readonly ReadableEvent[] };

export const createSearch = ({ log, batches, shown, streamsReached, fields, known, clock }: Deps) => {
  /** Times become positions: recordedAt grows with position, so that each names exactly one. */
  const rangeOf = async (
    filter: EventFilter,
    after: string | undefined,
    { order, ...asking }: AskingInOrder,
  ): Promise<Range & { head: number }> => {
    checkFilter(filter);
    const cursor = cursorOf(after);
    const { position: head, recordedAt } = await log.head();
    await known.require(filter, { isThere: isThereFor(asking, head) });
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

  const readable = async (stored: readonly StoredEvent[], asking: Asking) =>
    fields.of(await log.decode(stored), asking);

  /**
   * A stream out of reach is a missing one before anything of it is read, so that both take as long. The engine's
   * own are of many rows and judged event by event.
   */
  const isOutOfReach = async ({ stream }: EventFilter, { rows }: Asking): Promise<boolean> =>
    stream !== undefined &&
    !isEngineStream(stream) &&
    !isEveryRow(rows) &&
    !(await streamsReached([stream], rows)).has(stream);

  const search = async (
    { filter, after, order: asked, limit = limitDefault, principal }: SearchRequest,
    rows: Rows,
  ): Promise<Found> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
      throw invalidInput('limit', `must be a whole number from 1 to ${limitMax}`);
    }
    const asking = { principal, rows };
    const order = orderOf(asked);
    const range = await rangeOf(filter, after, { ...asking, order });
    if (await isOutOfReach(filter, asking)) return { found: [], nextCursor: null, position: range.head };
    return searchShown(range, filter, limit, { ...asking, order });
  };

  /**
   * A page may be short of its limit and yet have another behind it: how much of the log is looked through
   * for one is bounded, whatever of it may be seen. What may not be seen is left out before anything is counted,
   * so that no cursor tells of it.
   */
  const searchShown = async (
    range: Range & { head: number },
    filter: EventFilter,
    limit: number,
    { order, ...asking }: AskingInOrder,
  ): Promise<Found> => {
    const found: ReadableEvent[] = [];
    // One more than asked for tells whether there is a next page.
    const atOnce = isEveryRow(asking.rows) ? limit + 1 : narrowedRows;
    let looked = 0;
    let further: number | undefined;
    for await (const batch of batches(range, filter, atOnce, order)) {
      const events = await shown(batch, asking.rows);
      const left = limit - found.length + 1;
      const candidates = filter.reason === undefined ? events.slice(0, left) : events;
      found.push(...withReason(await readable(candidates, asking), filter).slice(0, left));
      if (found.length > limit) break;
      looked += batch.length;
      further = looked >= narrowedMax ? batch.at(-1)?.position : undefined;
      if (further !== undefined) break;
    }
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1)?.event.position : further;
    return { found: page, nextCursor: last === undefined ? null : String(last), position: range.head };
  };

  /** Where that much was looked through without a find, nobody knows; it is not refused then. */
  const isThereFor =
    (asking: Asking, head: number): IsThere =>
    async (value) => {
      const whole = { head, after: 0, upTo: head };
      const { found, nextCursor } = await searchShown(whole, value, 1, { ...asking, order: 'newest' });
      return found.length > 0 || nextCursor !== null;
    };

  async function* exported(
    range: Range,
    filter: EventFilter,
    { order, ...asking }: AskingInOrder,
  ): AsyncGenerator<RecordedEvent> {
    if (await isOutOfReach(filter, asking)) return;
    for await (const batch of batches(range, filter, exportRows, order)) {
      const events = await readable(await shown(batch, asking.rows), asking);
      for (const { event } of withReason(events, filter)) yield event;
    }
  }

  const exportEvents = async (
    { filter, after, order: wanted, principal }: ExportRequest,
    rows: Rows,
    record: (range: Range) => Promise<number>,
  ): Promise<EventExport> => {
    const order = orderOf(wanted);
    const asked = await rangeOf(filter, after, { principal, rows, order });
    // The export holds its own record, unless a time bounds it: what it covers is said before it is sent.
    const recordedAt = await record({ after: asked.after, upTo: asked.upTo });
    const open = filter.to === undefined && (order === 'oldest' || after === undefined);
    const range = open ? { ...asked, upTo: recordedAt } : asked;
    return {
      position: Math.max(asked.head, recordedAt),
      events: exported(range, filter, { principal, rows, order }),
    };
  };

  return { search, exportEvents };
};

/** An event whose reason is not shown may not tell of it by being found. */
const withReason = (events: readonly ReadableEvent[], { reason }: EventFilter): readonly ReadableEvent[] =>
  reason === undefined ? events : events.filter(({ event }) => event.metadata.reason !== undefined);

const cursorOf = (after: string | undefined): number | undefined => {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after))
    throw new QuarterdeckError('malformed_request', '"after" must be a position or a nextCursor.');
  return Number(after);
};
