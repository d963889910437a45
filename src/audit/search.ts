/**
 * Search and export of the log. A page or an export names how far the log went when it was read; an
 * export pages by position, so that it holds no transaction and little memory, whatever its size.
 */
import { isEveryRow, type Rows } from '../access/principal.ts';
import { invalidInput, QuarterdeckError } from '../errors.ts';
import { timeOf } from '../events/asked-moment.ts';
import { isEngineStream, type RecordedEvent, type StoredEvent } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import type { Asking, Fields, ReadableEvent } from './fields.ts';
import type { Batches, Range } from './reading.ts';
import type { EventExport, EventFilter, EventPage, ExportRequest, SearchRequest } from './request.ts';
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
}

/** A page before it is known whether its personal fields are on record. */
type Found = Omit<EventPage, 'data'> & { readonly found: readonly ReadableEvent[] };

export const createSearch = ({ log, batches, shown, streamsReached, fields }: Deps) => {
  /** Times become positions: recordedAt grows with position, so that each names exactly one. */
  const rangeOf = async (
    filter: EventFilter,
    after: string | undefined,
    newest = false,
  ): Promise<Range & { head: number; backwards: boolean }> => {
    checkActor(filter.actor);
    const cursor = cursorOf(after);
    const from = filter.from === undefined ? undefined : timeOf('from', filter.from);
    const to = filter.to === undefined ? undefined : timeOf('to', filter.to);
    if (from !== undefined && to !== undefined && from > to) {
      throw invalidInput('from', 'must not lie after "to"');
    }
    const { position: head } = await log.head();
    const begin = from === undefined ? 0 : await log.positionBefore(from);
    const end = to === undefined ? head : await log.positionAt(to);
    const upTo = Math.min(end, head);
    if (newest)
      return {
        head,
        after: begin,
        upTo: after === undefined ? upTo : Math.min(upTo, cursor - 1),
        backwards: true,
      };
    return { head, after: Math.max(begin, cursor), upTo, backwards: false };
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
    { filter, after, newest, limit = limitDefault, principal }: SearchRequest,
    rows: Rows,
  ): Promise<Found> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
      throw invalidInput('limit', `must be a whole number from 1 to ${limitMax}`);
    }
    const asking = { principal, rows };
    const range = await rangeOf(filter, after, newest);
    if (await isOutOfReach(filter, asking)) return { found: [], nextCursor: null, position: range.head };
    if (!isEveryRow(rows)) return searchShown(range, filter, limit, asking);
    const found: StoredEvent[] = [];
    // One more than asked for tells whether there is a next page.
    for await (const batch of batches(range, filter, limit + 1, range.backwards)) {
      found.push(...batch);
      if (found.length > limit) break;
    }
    const page = found.slice(0, limit);
    const nextCursor = found.length > limit ? String(page.at(-1)?.position) : null;
    return { found: await readable(page, asking), nextCursor, position: range.head };
  };

  /**
   * A page may be short of its limit and yet have another behind it: how much of the log is looked through
   * for one is bounded, whatever of it may be seen.
   */
  const searchShown = async (
    range: Range & { head: number; backwards: boolean },
    filter: EventFilter,
    limit: number,
    asking: Asking,
  ): Promise<Found> => {
    const found: StoredEvent[] = [];
    let looked = 0;
    let further: number | undefined;
    for await (const batch of batches(range, filter, narrowedRows, range.backwards)) {
      const events = await shown(batch, asking.rows);
      found.push(...events.slice(0, limit - found.length + 1));
      if (found.length > limit) break;
      looked += batch.length;
      further = looked >= narrowedMax ? batch.at(-1)?.position : undefined;
      if (further !== undefined) break;
    }
    const page = found.slice(0, limit);
    const last = found.length > limit ? page.at(-1)?.position : further;
    const nextCursor = last === undefined ? null : String(last);
    return { found: await readable(page, asking), nextCursor, position: range.head };
  };

  async function* exported(range: Range, filter: EventFilter, asking: Asking): AsyncGenerator<RecordedEvent> {
    if (await isOutOfReach(filter, asking)) return;
    for await (const batch of batches(range, filter, exportRows))
      for (const { event } of await readable(await shown(batch, asking.rows), asking)) yield event;
  }

  const exportEvents = async (
    { filter, after, principal }: ExportRequest,
    rows: Rows,
    record: (range: Range) => Promise<number>,
  ): Promise<EventExport> => {
    const asked = await rangeOf(filter, after);
    // The export holds its own record, unless a time bounds it: what it covers is said before it is sent.
    const recordedAt = await record({ after: asked.after, upTo: asked.upTo });
    const range = filter.to === undefined ? { ...asked, upTo: recordedAt } : asked;
    return {
      position: Math.max(asked.head, recordedAt),
      events: exported(range, filter, { principal, rows }),
    };
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
