/**
 * Which events somebody is shown who reaches some rows only: those of the streams whose rows they reach
 * now, and of the engine's own events those that are about such streams and no other. What is about no row
 * at all (sign-ins, reads, bulk jobs, policy) is for those who reach every row.
 */
import { isEveryRow, type Rows } from '../access/principal.ts';
import { isEngineStream, type StoredEvent } from '../events/envelope.ts';

export type StreamsReached = (streams: readonly string[], rows: Rows) => Promise<ReadonlySet<string>>;

/** What tells whether an event is shown: told before anything of it is decrypted. */
export type Judged = Pick<StoredEvent, 'stream' | 'type' | 'schemaVersion' | 'data'>;

/** Streams that an event is about, by its definition. */
export type RefsOf = (event: Judged) => readonly string[];

export type Shown = <E extends Judged>(events: readonly E[], rows: Rows) => Promise<readonly E[]>;

export const createShown =
  (streamsReached: StreamsReached, refsOf: RefsOf): Shown =>
  async (events, rows) => {
    if (isEveryRow(rows)) return events;
    const about = events.map((event) => (isEngineStream(event.stream) ? refsOf(event) : [event.stream]));
    const reached = await streamsReached(about.flat(), rows);
    return events.filter((_, n) => {
      const streams = about[n] ?? [];
      return streams.length > 0 && streams.every((stream) => reached.has(stream));
    });
  };
