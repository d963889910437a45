/**
 * Records who took a copy of a projection, and who read the fields that are marked `recordReads`. A single
 * row and a page of an export are recorded before they are answered: where that fails, nothing is
 * answered. Lists of one reader are gathered for at most a minute and recorded together; what is gathered
 * is written when the server stops.
 */
import { metadataOf } from '../access/origin.ts';
import type { Timestamp } from '../events/envelope.ts';
import { createGathering } from '../events/gathering.ts';
import type { EventLog } from '../events/log.ts';
import { FieldsRead, keysMax, RowsExported, readsStream } from './engine-events.ts';
import type { Reader } from './request.ts';

export interface FieldReads {
  readonly reader: Reader;
  readonly projection: string;
  readonly fields: readonly string[];
  readonly keys: readonly string[];
}

export interface RowExport {
  readonly reader: Reader;
  readonly projection: string;
  readonly fields: readonly string[];
  readonly filteredBy: readonly string[];
  readonly position: number;
}

/** The port through which queries record reads. */
export interface RecordReads {
  /** Resolves when it is in the log. */
  now(reads: FieldReads): Promise<void>;
  /** Written within a minute. */
  soon(reads: FieldReads): void;
  /** Resolves when it is in the log, before the first row is sent. */
  exported(taken: RowExport): Promise<void>;
}

export interface ReadRecorder extends RecordReads {
  /** Writes what was gathered. */
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

interface Gathered extends Omit<FieldReads, 'keys'> {
  readonly keys: Set<string>;
}

const chunks = (keys: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(keys.length / keysMax) }, (_, i) =>
    keys.slice(i * keysMax, (i + 1) * keysMax),
  );

export const createReadRecorder = (deps: Deps): ReadRecorder => {
  const { log } = deps;

  const write = async ({ reader, projection, fields, keys }: FieldReads): Promise<void> => {
    const events = chunks(keys).map((some) =>
      FieldsRead.of({ projection, fields: [...fields], count: some.length, keys: [...some] }),
    );
    if (events.length > 0) await log.record(readsStream, events, metadataOf(reader, deps));
  };

  const gathering = createGathering<Gathered>({
    onError: deps.onError,
    ...(deps.gatherMs === undefined ? {} : { gatherMs: deps.gatherMs }),
    write: ({ keys, ...reads }) => write({ ...reads, keys: [...keys] }),
    merge: (known, { keys }) => {
      for (const key of keys) known.keys.add(key);
      return known;
    },
    isFull: ({ keys }) => keys.size >= keysMax,
  });

  return {
    now: write,
    async exported({ reader, projection, fields, filteredBy, position }) {
      const event = RowsExported.of({
        projection,
        fields: [...fields],
        filteredBy: [...filteredBy],
        position,
      });
      await log.record(readsStream, [event], metadataOf(reader, deps));
    },
    soon({ reader, projection, fields, keys }) {
      const { id, tool, sessionId } = reader.principal;
      const who = JSON.stringify([id, tool, sessionId ?? null, reader.ip ?? null, projection, fields]);
      gathering.add(who, { reader, projection, fields, keys: new Set(keys) });
    },
    flush: gathering.flush,
    stop: gathering.stop,
  };
};
