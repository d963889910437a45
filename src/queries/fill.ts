/**
 * Fills one table from the log at full speed: pages with only the projection's own event types, the
 * next page read while this one is written. Every page commits with its checkpoint, so a fill that was
 * cut off goes on where it stood. Nothing but rows is made here: a rebuild cannot fire side effects.
 */
import type { Db } from '../db/pool.ts';
import type { Page } from '../events/log.ts';
import { applyPage } from './apply.ts';
import type { FoldedEvent } from './definition.ts';
import type { FoldLog } from './folded-events.ts';
import type { OpenTable } from './tables.ts';

export interface FillDeps {
  readonly pool: Db;
  readonly log: FoldLog;
}

/** A projection's own fault ended the fill. */
export class FillFailed extends Error {
  override readonly name = 'FillFailed';
}

export interface FillOptions {
  readonly upTo?: number;
  readonly signal?: AbortSignal;
  /** Told of every page that was committed. */
  readonly onPage?: (position: number) => void;
}

const pageEventsMax = 2_000;
/** Positions looked through at once: where its events are rare, a read must still end in good time. */
const windowPositions = 250_000;

/**
 * Folds the log into the table, which stands at `from`, up to `upTo` (the head, when left out).
 * Returns the position reached, which is short of it only when the signal was aborted.
 */
export const fill = async (
  { pool, log }: FillDeps,
  table: OpenTable,
  from: number,
  { upTo, signal, onPage }: FillOptions = {},
): Promise<number> => {
  const target = upTo ?? (await log.head()).position;
  const { events: types } = table.known.definition;
  const readAfter = (after: number): Promise<Page<FoldedEvent>> => {
    const page = log.readClear({
      after,
      upTo: Math.min(target, after + windowPositions),
      limit: pageEventsMax,
      types,
    });
    // Awaited in the next round; without this, an error here before then would end the process.
    page.catch(() => undefined);
    return page;
  };
  let position = from;
  let next = position < target ? readAfter(position) : undefined;
  while (next !== undefined && signal?.aborted !== true) {
    const page = await next;
    next = page.position < target ? readAfter(page.position) : undefined;
    const [failure] = await applyPage(pool, [table], {
      events: page.events,
      from: position,
      to: page.position,
    });
    if (failure !== undefined) throw new FillFailed(String(failure.error), { cause: failure.error });
    position = page.position;
    onPage?.(position);
  }
  return position;
};
