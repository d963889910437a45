/**
 * Keeps a flood of refused commands from flooding the log. Of each source (actor and tool), command and code the
 * first hundred a minute are recorded one by one, which is more than people and sound tools ever come to; the
 * rest are one `RefusalsCounted` when the minute is over, so that their number is in the log all the same.
 */
import type { Metadata, Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { commandsStream, RefusalsCounted } from './engine-events.ts';

export interface RefusalCounts {
  /** Whether this refusal is to be recorded by itself; otherwise it was counted. */
  take(metadata: Metadata, code: string): boolean;
  /** Writes the counts of minutes that are over; `all` also those of the current one. Never rejects. */
  flush(all?: boolean): Promise<void>;
  stop(): Promise<void>;
}

interface Count {
  readonly metadata: Metadata;
  readonly code: string;
  seen: number;
}

interface Minute {
  readonly startsAt: number;
  readonly counts: Map<string, Count>;
}

export const oneByOneMax = 100;
/** Told apart in a minute; beyond it those of one code are counted together. */
const countsMax = 10_000;
const minuteMs = 60_000;

interface Deps {
  readonly log: Pick<EventLog, 'record'>;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
  readonly onError: (error: unknown) => void;
}

export const createRefusalCounts = ({ log, clock, newId, onError }: Deps): RefusalCounts => {
  let minute: Minute | undefined;
  const underWay = new Set<Promise<void>>();

  /** Of the command itself no more than what all of them share. */
  const sharedBy = ({ actor, tool, command }: Metadata): Metadata => {
    const commandId = newId();
    return {
      actor,
      tool,
      commandId,
      correlationId: commandId,
      decidedAt: clock(),
      ...(command === undefined ? {} : { command }),
    };
  };

  const write = ({ metadata, code, seen }: Count, startsAt: number): void => {
    const event = RefusalsCounted.of({
      command: metadata.command ?? '',
      code,
      count: seen - oneByOneMax,
      minute: new Date(startsAt).toISOString(),
    });
    const writing = log
      .record(commandsStream, [event], sharedBy(metadata))
      .then(() => undefined, onError)
      .finally(() => underWay.delete(writing));
    underWay.add(writing);
  };

  const close = ({ startsAt, counts }: Minute): void => {
    for (const count of counts.values()) if (count.seen > oneByOneMax) write(count, startsAt);
  };

  const current = (): Minute => {
    const startsAt = Math.floor(Date.parse(clock()) / minuteMs) * minuteMs;
    if (minute?.startsAt === startsAt) return minute;
    if (minute !== undefined) close(minute);
    minute = { startsAt, counts: new Map() };
    return minute;
  };

  const flush = async (all = false): Promise<void> => {
    current();
    if (all && minute !== undefined) {
      close(minute);
      minute = undefined;
    }
    await Promise.all(underWay);
  };

  const timer = setInterval(() => void flush(), minuteMs / 4);
  timer.unref();

  return {
    take(metadata, code) {
      const { counts } = current();
      const { actor, tool, command = '' } = metadata;
      const own = JSON.stringify([actor.id, tool, command, code]);
      const key = counts.has(own) || counts.size < countsMax ? own : code;
      const count = counts.get(key) ?? { metadata, code, seen: 0 };
      counts.set(key, count);
      count.seen++;
      return count.seen <= oneByOneMax;
    },
    flush,
    stop: async () => {
      clearInterval(timer);
      await flush(true);
    },
  };
};
