/**
 * The newest part of the log, as one reader of this process has just read it. Projections, the audit index and the
 * sealer all follow the log within a moment of each other; each event is read once for all of them.
 *
 * What is kept is kept for half a second. Events do not change, but a database may: a standby that takes over, or a
 * restored backup, has other events at the same positions, and nobody may go on from what was there before.
 * Whoever holds the log against what was sealed does not read here.
 */
import type { Db } from '../db/pool.ts';
import type { EventData } from './definition.ts';
import type { StoredEvent, StoredText, UnreadEvent } from './envelope.ts';
import { readTexts } from './sql/read-events.ts';

const keptMs = 500;
/** Of data and metadata. */
const keptCharsMax = 4 * 2 ** 20;
/** Positions behind the head within which readers are taken for followers. */
export const recentPositions = 10_000;

/** What one follower has parsed is handed to the next and not kept: two of them look into the data. */
export class RecentEvent {
  readonly text: StoredText;
  #parsed: EventData | undefined;

  constructor(text: StoredText) {
    this.text = text;
  }

  #data(): EventData {
    const parsed = this.#parsed;
    if (parsed !== undefined) {
      this.#parsed = undefined;
      return parsed;
    }
    this.#parsed = JSON.parse(this.text.data) as EventData;
    return this.#parsed;
  }

  stored(): StoredEvent {
    return { ...this.text, data: this.#data(), metadata: JSON.parse(this.text.metadata) as EventData };
  }

  unread(): UnreadEvent {
    return { ...this.text, data: this.#data() };
  }
}

interface Kept {
  readonly events: readonly RecentEvent[];
  readonly first: number;
  readonly last: number;
  readonly chars: number;
  readonly readAt: number;
}

export interface Recent {
  /** Events behind `after` up to and with `upTo`, a position that the log has reached; at most `limit` of them. */
  read(after: number, upTo: number, limit: number): Promise<readonly RecentEvent[]>;
}

export const createRecent = (pool: Db): Recent => {
  /** Pages that follow each other without a gap. */
  let kept: Kept[] = [];
  let reading: Promise<unknown> | undefined;

  /** A page with a gap is a fault that whoever reads has to see for itself. */
  const keep = (events: readonly RecentEvent[], first: number): void => {
    const last = first + events.length - 1;
    if (events[0]?.text.position !== first || events.at(-1)?.text.position !== last) return;
    const chars = events.reduce((sum, { text }) => sum + text.data.length + text.metadata.length, 0);
    const newest = kept.at(-1)?.last ?? 0;
    // Read by one who is further behind than what is kept.
    if (last <= newest) return;
    const follows = newest === first - 1;
    kept = [...(follows ? kept : []), { events, first, last, chars, readAt: performance.now() }];
    let left = kept.reduce((sum, page) => sum + page.chars, 0);
    while (left > keptCharsMax && kept.length > 1) left -= kept.shift()?.chars ?? 0;
  };

  const forgetOld = (): void => {
    const since = performance.now() - keptMs;
    if ((kept[0]?.readAt ?? since) < since) kept = kept.filter(({ readAt }) => readAt >= since);
  };

  const fetch = async (after: number, upTo: number, limit: number): Promise<readonly RecentEvent[]> => {
    const { rows } = await pool.query<StoredText>({ ...readTexts, values: [after, upTo, limit] });
    const events = rows.map((row) => new RecentEvent(row));
    keep(events, after + 1);
    return events;
  };

  /** What is kept of the events right behind `after`, as far as it goes. */
  const known = (after: number, upTo: number, limit: number): RecentEvent[] => {
    const found: RecentEvent[] = [];
    const end = Math.min(upTo, after + limit);
    for (const { events, first, last } of kept) {
      const next = after + found.length + 1;
      if (first > next || next > end) break;
      if (last >= next) found.push(...events.slice(next - first, end - first + 1));
    }
    return found;
  };

  return {
    async read(after, upTo, limit) {
      for (;;) {
        forgetOld();
        const found = known(after, upTo, limit);
        const reached = after + found.length;
        if (found.length === limit || reached >= upTo) return found;
        if (reading !== undefined) {
          // Another follower reads what is needed here too; should that fail, it is read anew.
          await reading.catch(() => undefined);
          continue;
        }
        const fetching = fetch(reached, upTo, limit - found.length);
        reading = fetching;
        try {
          return [...found, ...(await fetching)];
        } finally {
          reading = undefined;
        }
      }
    },
  };
};
