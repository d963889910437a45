/**
 * Records whose personal data somebody was shown by searching the log or by the feed: gathered for a minute a
 * reader, like lists of rows. Exports and replays have a record of their own, which says so.
 */
import { metadataOf, type Origin } from '../access/origin.ts';
import type { Timestamp } from '../events/envelope.ts';
import { createGathering } from '../events/gathering.ts';
import type { EventLog } from '../events/log.ts';
import { auditStream, EventFieldsRead, streamsMax } from './engine-events.ts';
import type { ReadableEvent } from './fields.ts';

export interface LogReads {
  /** Written within a minute. */
  soon(reader: Origin, through: 'search' | 'feed', events: readonly ReadableEvent[]): void;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

interface Deps {
  readonly log: Pick<EventLog, 'record'>;
  readonly clock: () => Timestamp;
  readonly newId: () => string;
  readonly onError: (error: unknown) => void;
  readonly gatherMs?: number;
}

interface Read {
  readonly reader: Origin;
  readonly through: 'search' | 'feed';
  readonly fields: Set<string>;
  readonly streams: Set<string>;
}

const chunks = <T>(values: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, n) => values.slice(n * size, (n + 1) * size));

export const createLogReads = (deps: Deps): LogReads => {
  const gathering = createGathering<Read>({
    onError: deps.onError,
    ...(deps.gatherMs === undefined ? {} : { gatherMs: deps.gatherMs }),
    merge: (known, { fields, streams }) => {
      for (const field of fields) known.fields.add(field);
      for (const stream of streams) known.streams.add(stream);
      return known;
    },
    isFull: ({ streams }) => streams.size >= streamsMax,
    write: async ({ reader, through, fields, streams }) => {
      const events = chunks([...streams], streamsMax).map((some) =>
        EventFieldsRead.of({
          through,
          fields: [...fields],
          count: some.length,
          streams: [...some],
        }),
      );
      await deps.log.record(auditStream, events, metadataOf(reader, deps));
    },
  });

  return {
    soon(reader, through, events) {
      const read = events.filter(({ personal }) => personal.length > 0);
      if (read.length === 0) return;
      const { id, tool, sessionId } = reader.principal;
      gathering.add(JSON.stringify([id, tool, sessionId ?? null, reader.ip ?? null, through]), {
        reader,
        through,
        fields: new Set(read.flatMap(({ personal }) => personal)),
        streams: new Set(read.map(({ event }) => event.stream)),
      });
    },
    flush: gathering.flush,
    stop: gathering.stop,
  };
};
