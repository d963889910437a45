/**
 * Reading the log by position. A page says how far it looked, so that a reader of few types does not
 * look through the same events again; `position` alone is the checkpoint.
 */
import type { Db, Queryable } from '../db/pool.ts';
import { type ArchivedEvents, completedFrom } from './archived.ts';
import type { Encoding } from './encoding.ts';
import type {
  ClearEvent,
  RecordedEvent,
  StoredEvent,
  StoredText,
  Timestamp,
  UnreadEvent,
} from './envelope.ts';
import type { FollowOptions, Head, Page, ReadOptions } from './log.ts';
import { createRecent, type RecentEvent, recentPositions } from './recent.ts';
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
  const recent = createRecent(pool);

  const head = async (db: Queryable = pool): Promise<Head> => {
    const { rows } = await db.query<{ position: number; recordedAt: Timestamp }>(readHead);
    return { position: rows[0]?.position ?? 0, recordedAt: rows[0]?.recordedAt };
  };

  /**
   * Where a page ends at the latest. The head is read before the events, so that nothing between the two is taken for
   * looked through.
   */
  const spanOf = async ({ after, upTo, limit, types }: ReadOptions) => {
    const window = types === undefined ? Number.MAX_SAFE_INTEGER : after + windowPositions;
    const { position } = await head();
    const last = Math.min(upTo ?? Number.MAX_SAFE_INTEGER, window, position);
    return { after, last, rowsMax: Math.min(limit, pageMax), near: position - after <= recentPositions };
  };

  type Span = Awaited<ReturnType<typeof spanOf>>;

  const pageOf = <Row extends Pick<StoredEvent, 'position'>>(
    { after, last, rowsMax }: Span,
    rows: readonly Row[],
  ): Page<Row> => {
    const position = rows.length < rowsMax ? Math.max(last, after) : (rows.at(-1)?.position ?? after);
    return { events: rows, position };
  };

  const readRows = async <Row extends StoredEvent | UnreadEvent>(
    ofTypes: typeof readPageOfTypes | typeof readUnreadPage,
    span: Span,
    types: ReadOptions['types'],
  ): Promise<Page<Row>> => {
    const { after, last, rowsMax } = span;
    const query =
      types === undefined
        ? { ...readPage, values: [after, last, rowsMax] }
        : { ...ofTypes, values: [after, last, rowsMax, types] };
    const { rows } = await pool.query<Row>(query);
    return pageOf(span, rows);
  };

  /** Of all types: what others need of them is kept. */
  const readRecent = async <Row extends StoredEvent | UnreadEvent>(
    span: Span,
    types: ReadOptions['types'],
    shaped: (event: RecentEvent) => Row,
  ): Promise<Page<Row>> => {
    const all = await recent.read(span.after, span.last, span.rowsMax);
    const { position } = pageOf(
      span,
      all.map(({ text }) => text),
    );
    const wanted = types === undefined ? undefined : new Set(types);
    const events = wanted === undefined ? all : all.filter(({ text }) => wanted.has(text.type));
    return { events: events.map(shaped), position };
  };

  const readStored = async (options: FollowOptions): Promise<Page<StoredEvent>> => {
    const span = await spanOf(options);
    const { events, position } =
      options.follows === true && span.near
        ? await readRecent(span, options.types, (event) => event.stored())
        : await readRows<StoredEvent>(readPageOfTypes, span, options.types);
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
    async readRecentTexts(options: ReadOptions): Promise<readonly StoredText[] | undefined> {
      const { near, after, last, rowsMax } = await spanOf(options);
      return near ? (await recent.read(after, last, rowsMax)).map(({ text }) => text) : undefined;
    },
    async readClear(
      options: FollowOptions & { readonly types: readonly string[] },
    ): Promise<Page<ClearEvent>> {
      const span = await spanOf(options);
      const { events, position } =
        options.follows === true && span.near
          ? await readRecent(span, options.types, (event) => event.unread())
          : await readRows<UnreadEvent>(readUnreadPage, span, options.types);
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
