/**
 * Reading the log by position. A page says how far it looked, so that a reader of few types does not
 * look through the same events again; `position` alone is the checkpoint.
 */
import type { Db, Queryable } from '../db/pool.ts';
import { type ArchivedEvents, completedFrom } from './archived.ts';
import type { Encoding } from './encoding.ts';
import type { ClearEvent, RecordedEvent, StoredEvent, Timestamp, UnreadEvent } from './envelope.ts';
import type { Head, Page, ReadOptions } from './log.ts';
import {
  positionAt,
  positionBefore,
  readAt,
  readHead,
  readPage,
  readPageOfTypes,
  readStreams,
  readUnreadPage,
} from './sql/read-events.ts';

/** Rows of one page at most, so that a reader's memory is bounded. */
const pageMax = 10_000;
/** Positions looked through for one page of few types: where they are rare, a read must still end in good time. */
const windowPositions = 500_000;

export const createReading = (pool: Db, encoding: Encoding, archived: ArchivedEvents) => {
  const completed = completedFrom(archived);

  const head = async (db: Queryable = pool): Promise<Head> => {
    const { rows } = await db.query<{ position: number; recordedAt: Timestamp }>(readHead);
    return { position: rows[0]?.position ?? 0, recordedAt: rows[0]?.recordedAt };
  };

  const readRows = async <Row extends StoredEvent | UnreadEvent>(
    ofTypes: typeof readPageOfTypes | typeof readUnreadPage,
    { after, upTo, limit, types }: ReadOptions,
  ): Promise<Page<Row>> => {
    // The head is read before the events, so that nothing between the two is taken for looked through.
    const window = types === undefined ? Number.MAX_SAFE_INTEGER : after + windowPositions;
    const last = Math.min(upTo ?? Number.MAX_SAFE_INTEGER, window, (await head()).position);
    const rowsMax = Math.min(limit, pageMax);
    const query =
      types === undefined
        ? { ...readPage, values: [after, last, rowsMax] }
        : { ...ofTypes, values: [after, last, rowsMax, types] };
    const { rows } = await pool.query<Row>(query);
    const position = rows.length < rowsMax ? Math.max(last, after) : (rows.at(-1)?.position ?? after);
    return { events: rows, position };
  };

  const readStored = async (options: ReadOptions): Promise<Page<StoredEvent>> => {
    const { events, position } = await readRows<StoredEvent>(readPageOfTypes, options);
    return { events: await complete(events), position };
  };

  const complete = (events: readonly StoredEvent[]): Promise<readonly StoredEvent[]> =>
    completed(events, (_row, event) => event);

  const decode = async (events: readonly StoredEvent[]): Promise<readonly RecordedEvent[]> =>
    encoding.decode(await complete(events));

  return {
    head,
    readStored,
    complete,
    decode,
    async read(options: ReadOptions): Promise<Page<RecordedEvent>> {
      const { events, position } = await readStored(options);
      return { events: await encoding.decode(events), position };
    },
    async readClear(options: ReadOptions & { readonly types: readonly string[] }): Promise<Page<ClearEvent>> {
      const { events, position } = await readRows<UnreadEvent>(readUnreadPage, options);
      const whole = await completed(events, unreadEvent);
      return { events: await encoding.decodeClear(whole), position };
    },
    async readAt(positions: readonly number[]): Promise<readonly RecordedEvent[]> {
      const { rows } = await pool.query<StoredEvent>({ ...readAt, values: [positions] });
      return decode(rows);
    },
    async readStreams(
      streams: readonly string[],
      upTo = Number.MAX_SAFE_INTEGER,
    ): Promise<readonly RecordedEvent[]> {
      const { rows } = await pool.query<StoredEvent>({ ...readStreams, values: [streams, upTo] });
      return decode(rows);
    },
    async positionBefore(time: Timestamp): Promise<number> {
      const { rows } = await pool.query<{ position: number }>({ ...positionBefore, values: [time] });
      return rows[0]?.position ?? 0;
    },
    async positionAt(time: Timestamp): Promise<number> {
      const { rows } = await pool.query<{ position: number }>({ ...positionAt, values: [time] });
      return rows[0]?.position ?? 0;
    },
  };
};

const unreadEvent = (_row: UnreadEvent, event: StoredEvent): UnreadEvent => ({
  ...event,
  metadata: JSON.stringify(event.metadata),
});
