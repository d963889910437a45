/**
 * The log as a feed for other services: events of the areas in order, page by page, each as a CloudEvent. A
 * reader keeps the position that an answer names and asks behind it; nothing about readers is kept here.
 */

import { setMaxListeners } from 'node:events';
import type { Origin } from '../access/origin.ts';
import { invalidInput, notPermitted } from '../errors.ts';
import { type CloudEvent, cloudEventOf } from '../events/cloud-event.ts';
import type { EventLog } from '../events/log.ts';
import type { Asking, Fields } from './fields.ts';
import type { LogReads } from './reads.ts';
import type { Shown } from './shown.ts';

export interface FeedAsked extends Origin {
  /** A position; what lies behind it is answered. */
  readonly after: number;
  /** Events at most: 1 to 1,000. */
  readonly limit: number;
  /** Seconds to wait where there is nothing yet: 0 to 30. */
  readonly wait: number;
  /** Only these types. */
  readonly types?: readonly string[];
  /** Whoever asked went away. */
  readonly signal: AbortSignal;
}

export interface FeedPage {
  readonly events: readonly CloudEvent[];
  /** How far the log was looked through: the next `after`, also where nothing was found. */
  readonly position: number;
}

export interface Feed {
  /** @throws QuarterdeckError `not_permitted`, `invalid_input` */
  read(asked: FeedAsked): Promise<FeedPage>;
  /** Whoever waits is answered at once. */
  stop(): void;
}

interface Options {
  readonly log: Pick<EventLog, 'head' | 'read' | 'onAppended'>;
  readonly shown: Shown;
  /** Types that are fed: those of the areas. */
  readonly types: readonly string[];
  /** By which `feed:personal` shows personal fields, whosever rows they are of. */
  readonly fields: Pick<Fields, 'of'>;
  readonly logReads: Pick<LogReads, 'soon'>;
  readonly source: string;
}

const limitMax = 1_000;
const waitMax = 30;
/** Read together; and characters at most in one answer, beside its last event. */
const batchRows = 100;
const charactersMax = 1_000_000;

export const createFeed = ({ log, shown, types, fields, logReads, source }: Options): Feed => {
  const stopping = new AbortController();
  // As many listen to it as readers wait.
  setMaxListeners(0, stopping.signal);

  const bounded = (name: string, value: number, min: number, max: number): void => {
    if (!Number.isInteger(value) || value < min || value > max)
      throw invalidInput(name, `Give a whole number from ${min} to ${max}.`);
  };

  const typesOf = (wanted: readonly string[] | undefined): readonly string[] => {
    const unknown = wanted?.find((type) => !types.includes(type));
    if (unknown !== undefined) throw invalidInput('types', `There is no event type ${unknown}.`);
    return wanted ?? types;
  };

  const look = async (
    asked: FeedAsked,
    { after, wanted, rows }: { after: number; wanted: readonly string[] } & Pick<Asking, 'rows'>,
  ): Promise<FeedPage> => {
    const events: CloudEvent[] = [];
    let position = after;
    const { limit, principal } = asked;
    for (let characters = 0; events.length < limit && characters < charactersMax; ) {
      const most = Math.min(batchRows, limit - events.length);
      const page = await log.read({ after: position, limit: most, types: wanted });
      const readable = await fields.of(await shown(page.events, rows), { principal, rows });
      logReads.soon(asked, 'feed', readable);
      for (const { event } of readable) {
        const one = cloudEventOf(event, { source, without: [] });
        characters += JSON.stringify(one.data).length;
        events.push(one);
      }
      if (page.position === position) break;
      position = page.position;
      // Few types: what was looked through without a find is told, rather than looked through on and on.
      if (page.events.length === 0) break;
    }
    return { events, position };
  };

  /** Until something is appended, the time is over, the reader went away, or the process ends. */
  const appended = (ms: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const ends = [signal, stopping.signal];
      const done = (): void => {
        clearTimeout(timer);
        off();
        for (const end of ends) end.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      const off = log.onAppended(done);
      for (const end of ends) end.addEventListener('abort', done);
      if (ends.some(({ aborted }) => aborted)) done();
    });

  return {
    async read(asked) {
      const { permissions } = asked.principal;
      if (!permissions.has('feed:read')) throw notPermitted('feed:read');
      bounded('limit', asked.limit, 1, limitMax);
      bounded('wait', asked.wait, 0, waitMax);
      const rows = permissions.rows('feed:read');
      const view = { wanted: typesOf(asked.types), rows };
      const { position: head } = await log.head();
      if (asked.after > head)
        throw invalidInput('after', `The log ends at ${head}: this position is not of this log.`);
      const until = performance.now() + asked.wait * 1_000;
      let { after } = asked;
      for (;;) {
        const page = await look(asked, { ...view, after });
        const left = until - performance.now();
        const ended = asked.signal.aborted || stopping.signal.aborted;
        if (page.events.length > 0 || left <= 0 || ended) return page;
        if (page.position === after) await appended(left, asked.signal);
        after = page.position;
      }
    },
    stop: () => stopping.abort(),
  };
};
