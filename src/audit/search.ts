/**
 * Search and export of the log. A page or an export names how far the log went when it was read; an
 * export pages by position, so that it holds no transaction and little memory, whatever its size.
 */
import { invalidInput, QuarterdeckError } from '../errors.ts';
import type { RecordedEvent, StoredEvent } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { timeOf } from './moment.ts';
import type { Batches, Range } from './reading.ts';
import type { EventExport, EventFilter, EventPage, ExportRequest, SearchRequest } from './request.ts';

const limitDefault = 100;
const limitMax = 1_000;
const exportRows = 2_000;

export const createSearch = (
  log: Pick<EventLog, 'head' | 'positionAt' | 'positionBefore' | 'decode'>,
  batches: Batches,
) => {
  /** Times become positions: recordedAt grows with position, so that each names exactly one. */
  const rangeOf = async (
    filter: EventFilter,
    after: string | undefined,
  ): Promise<Range & { head: number }> => {
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
    return { head, after: Math.max(begin, cursor), upTo: Math.min(end, head) };
  };

  const search = async ({ filter, after, limit = limitDefault }: SearchRequest): Promise<EventPage> => {
    if (!Number.isInteger(limit) || limit < 1 || limit > limitMax) {
      throw invalidInput('limit', `must be a whole number from 1 to ${limitMax}`);
    }
    const range = await rangeOf(filter, after);
    const found: StoredEvent[] = [];
    // One more than asked for tells whether there is a next page.
    for await (const rows of batches(range, filter, limit + 1)) {
      found.push(...rows);
      if (found.length > limit) break;
    }
    const page = found.slice(0, limit);
    const nextCursor = found.length > limit ? String(page.at(-1)?.position) : null;
    return { data: await log.decode(page), nextCursor, position: range.head };
  };

  async function* readable(range: Range, filter: EventFilter): AsyncGenerator<RecordedEvent> {
    for await (const rows of batches(range, filter, exportRows)) yield* await log.decode(rows);
  }

  const exportEvents = async (
    { filter, after }: ExportRequest,
    record: (range: Range) => Promise<number>,
  ): Promise<EventExport> => {
    const asked = await rangeOf(filter, after);
    // The export holds its own record, unless a time bounds it: what it covers is said before it is sent.
    const recordedAt = await record({ after: asked.after, upTo: asked.upTo });
    const range = filter.to === undefined ? { ...asked, upTo: recordedAt } : asked;
    return { position: Math.max(asked.head, recordedAt), events: readable(range, filter) };
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
