/**
 * Records who was refused what, without letting a flood of refusals flood the log: of each source and
 * code the first ten a minute are recorded one by one, the rest as one count when the minute is over.
 * Whoever has not signed in shares one cap over all sources.
 */
import type { NewEvent } from '../events/definition.ts';
import { AccessDenied, DenialsCounted } from './engine-events.ts';
import type { Clock, OnError } from './ports.ts';
import { anonymous, type Recorder, type Who } from './recorder.ts';

export interface Denial {
  readonly code: string;
  readonly who: Who;
  readonly method?: string;
  readonly path?: string;
  readonly detail?: string;
  /** What is recorded one by one, where it is not `AccessDenied`. */
  readonly event?: NewEvent;
}

export interface Denials {
  /** Resolves when it is in the log, at once where it is only counted. Never rejects: see `onError`. */
  note(denial: Denial): Promise<void>;
  /** Writes the counts of minutes that are over; `all` also those of the current one. */
  flush(all?: boolean): Promise<void>;
}

interface Count {
  readonly code: string;
  readonly who: Who;
  seen: number;
  recorded: number;
}

interface Minute {
  readonly startsAt: number;
  readonly counts: Map<string, Count>;
  anonymousRecorded: number;
  anonymousCounts: number;
}

const recordedOneByOneMax = 10;
const anonymousRecordedMax = 100;
/** Sources and codes told apart in a minute; beyond it they are counted together. */
const countsMax = 1_000;
/** Of those, sources that have not signed in: they are whatever whoever floods us likes to be. */
const anonymousCountsMax = 100;
const minuteMs = 60_000;
const pathCharactersMax = 200;

interface Deps {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly onError: OnError;
}

export const createDenials = ({ recorder, clock, onError }: Deps): Denials => {
  let minute: Minute | undefined;
  const underWay = new Set<Promise<void>>();

  const write = (event: Parameters<Recorder['record']>[0], who: Who): Promise<void> => {
    const writing = recorder
      .record(event, who)
      .catch((error: unknown) => onError(error, 'recording a denial'))
      .finally(() => underWay.delete(writing));
    underWay.add(writing);
    return writing;
  };

  const close = (ended: Minute): void => {
    const begun = new Date(ended.startsAt).toISOString();
    for (const { code, who, seen, recorded } of ended.counts.values()) {
      if (seen > recorded) write(DenialsCounted.of({ code, count: seen - recorded, minute: begun }), who);
    }
  };

  const currentMinute = (): Minute => {
    const startsAt = Math.floor(clock().getTime() / minuteMs) * minuteMs;
    if (minute?.startsAt === startsAt) return minute;
    if (minute !== undefined) close(minute);
    minute = { startsAt, counts: new Map(), anonymousRecorded: 0, anonymousCounts: 0 };
    return minute;
  };

  const countOf = (now: Minute, { code, who }: Denial): Count => {
    const { counts } = now;
    const unknown = who.actor.id === anonymous().actor.id;
    const source = unknown ? (who.ip ?? '') : who.actor.id;
    const own = counts.get(`${source} ${code}`);
    if (own !== undefined) return own;
    const full = counts.size >= countsMax || (unknown && now.anonymousCounts >= anonymousCountsMax);
    if (unknown && !full) now.anonymousCounts++;
    const key = full ? `* ${code}` : `${source} ${code}`;
    const count = counts.get(key) ?? { code, who: full ? anonymous() : sourceOf(who), seen: 0, recorded: 0 };
    counts.set(key, count);
    return count;
  };

  return {
    note: async (denial) => {
      const now = currentMinute();
      const count = countOf(now, denial);
      count.seen++;
      const unknown = denial.who.actor.id === anonymous().actor.id;
      if (count.recorded >= recordedOneByOneMax) return;
      if (unknown && now.anonymousRecorded >= anonymousRecordedMax) return;
      count.recorded++;
      if (unknown) now.anonymousRecorded++;
      await write(denial.event ?? AccessDenied.of(dataOf(denial)), denial.who);
    },
    flush: async (all = false) => {
      currentMinute();
      if (all && minute !== undefined) {
        close(minute);
        minute = undefined;
      }
      await Promise.all(underWay);
    },
  };
};

/** What a count of many has in common. */
const sourceOf = ({ actor, tool, ip }: Who): Who => ({ actor, tool, ...(ip === undefined ? {} : { ip }) });

const dataOf = ({ code, method, path, detail }: Denial) => ({
  code,
  ...(method === undefined ? {} : { method }),
  ...(path === undefined ? {} : { path: path.slice(0, pathCharactersMax) }),
  ...(detail === undefined ? {} : { detail }),
});
