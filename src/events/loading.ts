/**
 * Loads streams for deciding: by snapshot and later events, one round trip for all streams that are
 * asked for at the same time. Long streams are folded page by page, and get a snapshot on the way, so
 * that the next load is short. A snapshot is sealed under the stream's subject's key, bound to what it is
 * of, and can be thrown away at any time: one that cannot be opened (any more) is passed over.
 */
import { arrayText } from '../db/array-text.ts';
import type { Db } from '../db/pool.ts';
import { type ArchivedEvents, completedFrom } from './archived.ts';
import { whileAway } from './away.ts';
import { type Codec, erased } from './codec.ts';
import type { EventData } from './definition.ts';
import type { Encoding } from './encoding.ts';
import type { StoredEvent } from './envelope.ts';
import type { Folding, Loaded, LoadRequest } from './log.ts';
import { type LoadedRow, loadStreams, saveSnapshots } from './sql/load-streams.ts';

/** Events folded in one load from which on a snapshot pays. */
const snapshotAfterEvents = 200;
/** Events of one stream in memory at once. */
const pageMax = 5_000;
const contextOf = (stream: string, { name, stateVersion }: Folding, version: number): string =>
  `snapshot ${name} ${stateVersion} ${stream} ${version}`;

export interface Loading {
  load(requests: readonly LoadRequest[]): Promise<readonly Loaded<object>[]>;
  /**
   * Snapshots of these streams as they are now, each asked for once, so that loading them needs no event of today.
   * How many were kept: of a stream whose subject is erased there is none.
   */
  keep(requests: readonly LoadRequest[]): Promise<number>;
  /** Resolves when snapshots under way are written. */
  drain(): Promise<void>;
}

interface Options {
  readonly pool: Db;
  readonly codec: Codec;
  readonly encoding: Encoding;
  readonly archived: ArchivedEvents;
  readonly onError: (error: unknown) => void;
}

interface Kept {
  readonly loaded: Loaded<object>;
  readonly folding: Folding;
}

interface Waiting {
  readonly requests: readonly LoadRequest[];
  readonly resolve: (loaded: readonly Loaded<object>[]) => void;
  readonly reject: (error: unknown) => void;
}

const placeOf = (stream: string, row: LoadedRow | undefined) => ({
  stream,
  version: row?.version ?? 0,
  position: row?.position ?? 0,
  id: row?.id ?? '',
  recordedAt: row?.recordedAt ?? '',
  metadata: row?.metadata ?? '{}',
});

const eventOf = (row: LoadedRow) => ({
  type: row.type ?? '',
  schemaVersion: row.schemaVersion ?? 1,
  data: row.data ?? {},
});

const evolvedBy = (
  { evolve }: Folding,
  before: object,
  rows: readonly LoadedRow[],
  data: readonly EventData[],
): object =>
  rows.reduce(
    (state, { type }, i) => evolve(state, { type: type ?? '', data: data[i] as EventData }),
    before,
  );

/** Events alone, without a snapshot, and too few for one. */
const isShort = ({ folding }: LoadRequest, rows: readonly LoadedRow[]): boolean =>
  rows[0]?.type !== null && rows.length < snapshotAfterEvents && folding.evolveWhole === undefined;

const foldedOf = (
  { stream, folding }: LoadRequest,
  rows: readonly LoadedRow[],
  data: readonly EventData[],
): Loaded<object> => {
  const { version, position } = rows.at(-1) ?? { version: 0, position: 0 };
  return { stream, version, position, state: evolvedBy(folding, folding.initialState, rows, data) };
};

const saying = (): string => 'The database cannot be reached; nothing was carried out.';

export const createLoading = ({ pool, codec, encoding, archived, onError }: Options): Loading => {
  const completed = completedFrom(archived);
  let waiting: Waiting[] = [];
  const underWay = new Set<Promise<void>>();

  /** What the snapshot holds; undefined where there is none or its key is gone. */
  const fromSnapshot = async (
    { stream, folding }: LoadRequest,
    { subject, sealed, version, position }: LoadedRow,
  ): Promise<Loaded<object> | undefined> => {
    if (subject === null || sealed === null) return undefined;
    try {
      const text = await codec.decryptText(subject, sealed, contextOf(stream, folding, version));
      return text === erased ? undefined : { stream, version, position, state: JSON.parse(text) as object };
    } catch (error) {
      onError(error);
      return undefined;
    }
  };

  const evolved = async (
    { stream, folding }: LoadRequest,
    before: object,
    rows: readonly LoadedRow[],
  ): Promise<object> => {
    const { evolveWhole } = folding;
    const events = rows.map(eventOf);
    if (evolveWhole !== undefined) {
      const placed = events.map((e, i) => ({ ...e, ...placeOf(stream, rows[i]) }));
      const whole = await encoding.decodeClear(placed, folding.unopened === true ? 'never' : 'when-read');
      return whole.reduce((state, event) => evolveWhole(state, event), before);
    }
    return evolvedBy(folding, before, rows, await encoding.decodeData(events, 'when-read'));
  };

  /** Folds a page onto `base`, and further pages until the stream ends. */
  const foldOn = async (
    request: LoadRequest,
    base: Loaded<object>,
    events: readonly LoadedRow[],
    folded = events.length,
  ): Promise<Loaded<object>> => {
    const { folding } = request;
    const state = await evolved(request, base.state, events);
    const { version, position } = events.at(-1) ?? base;
    const loaded = { stream: base.stream, state, version, position };
    if (events.length < pageMax) {
      if (folded >= snapshotAfterEvents) save(loaded, folding);
      return loaded;
    }
    const [next = []] = await rowsOf([request], version);
    return foldOn(request, loaded, next, folded + next.length);
  };

  const fold = async (request: LoadRequest, rows: readonly LoadedRow[]): Promise<Loaded<object>> => {
    const { stream, folding } = request;
    const nothing = { stream, version: 0, state: folding.initialState, position: 0 };
    const [first] = rows;
    if (first === undefined) return nothing;
    if (first.type !== null) return foldOn(request, nothing, rows);
    const snapshot = await fromSnapshot(request, first);
    if (snapshot !== undefined) return foldOn(request, snapshot, rows.slice(1));
    const [all = []] = await rowsOf([request], 0);
    return foldOn(request, nothing, all);
  };

  /**
   * Those that are but a few events, which nearly all are, decoded together: keys are found once for all of them,
   * and no promise is made for each.
   */
  const foldAll = async (
    requests: readonly LoadRequest[],
    rows: readonly (readonly LoadedRow[])[],
  ): Promise<readonly Loaded<object>[]> => {
    const short = requests.map((request, n) => isShort(request, rows[n] ?? []));
    const events = rows.flatMap((own, n) => (short[n] === true ? own.map(eventOf) : []));
    const data = await encoding.decodeData(events, 'when-read');
    let next = 0;
    const folded = requests.map((request, n) => {
      const own = rows[n] ?? [];
      if (short[n] !== true) return fold(request, own);
      const from = next;
      next += own.length;
      return foldedOf(request, own, data.slice(from, next));
    });
    return Promise.all(folded);
  };

  const save = (loaded: Loaded<object>, folding: Folding): void => {
    const saved = write([{ loaded, folding }])
      .then(() => undefined, onError)
      .finally(() => underWay.delete(saved));
    underWay.add(saved);
  };

  /** How many of them were sealed and written; a newer one stays. */
  const write = async (states: readonly Kept[]): Promise<number> => {
    const rows = await Promise.all(
      states.map(async ({ loaded: { stream, state, version, position }, folding }) => {
        const subject = folding.subject(state, stream);
        const context = contextOf(stream, folding, version);
        const sealed = await codec.encryptText(subject, JSON.stringify(state), context);
        return [stream, folding.name, folding.stateVersion, version, position, subject, sealed] as const;
      }),
    );
    // Without a text: the subject's key is destroyed, and nobody could read it.
    const kept = rows.filter((row) => row[6] !== '');
    const values = [0, 1, 2, 3, 4, 5, 6].map((column) => arrayText(kept.map((row) => row[column] ?? '')));
    if (kept.length > 0) await pool.query({ ...saveSnapshots, values });
    return kept.length;
  };

  const rowsOf = async (
    requests: readonly LoadRequest[],
    after: number | null = null,
  ): Promise<readonly (readonly LoadedRow[])[]> => {
    const values = [
      arrayText(requests.map((r) => r.stream)),
      arrayText(requests.map((r) => r.folding.name)),
      arrayText(requests.map((r) => r.folding.stateVersion)),
      arrayText(requests.map(() => after)),
      pageMax,
      requests.map((r) => r.folding.evolveWhole !== undefined),
    ];
    const { rows } = await pool.query<LoadedRow>({ ...loadStreams, values });
    const byRequest: LoadedRow[][] = requests.map(() => []);
    for (const row of await completed(rows, wholeRow)) byRequest[row.nth - 1]?.push(row);
    return byRequest;
  };

  /** Rows are fetched together but folded apart, so that a stream that cannot be folded fails alone. */
  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    const rows = whileAway(() => rowsOf(batch.flatMap((w) => w.requests)), { saying });
    let from = 0;
    for (const { requests, resolve, reject } of batch) {
      const first = from;
      from += requests.length;
      rows
        .then((all) =>
          whileAway(() => foldAll(requests, all.slice(first, first + requests.length)), { saying }),
        )
        .then(resolve, reject);
    }
  };

  const load: Loading['load'] = (requests) =>
    new Promise((resolve, reject) => {
      if (requests.length === 0) return resolve([]);
      waiting.push({ requests, resolve, reject });
      if (waiting.length === 1) setImmediate(flush);
    });

  return {
    load,
    async keep(requests) {
      const states = await load(requests);
      return write(requests.map(({ folding }, n) => ({ loaded: states[n] as Loaded<object>, folding })));
    },
    drain: async () => void (await Promise.all(underWay)),
  };
};

const wholeRow = (row: LoadedRow, { data, metadata }: StoredEvent): LoadedRow => ({
  ...row,
  data,
  metadata: row.metadata === null ? null : JSON.stringify(metadata),
});
