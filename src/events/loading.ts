/**
 * Loads streams for deciding: by snapshot and later events, one round trip for all streams that are
 * asked for at the same time. Long streams get a snapshot after they were folded, so that the next load
 * is short; it is sealed under the stream's subject's key and can be thrown away at any time.
 */
import type { Db } from '../db/pool.ts';
import type { Codec } from './codec.ts';
import type { EventData } from './definition.ts';
import type { Encoding } from './encoding.ts';
import type { Folding, Loaded, LoadRequest } from './log.ts';
import { type LoadedRow, loadStreams, saveSnapshot } from './sql/load-streams.ts';

/** Events folded in one load from which on a snapshot pays. */
const snapshotAfterEvents = 200;
const snapshotContext = 'snapshot';

export interface Loading {
  load(requests: readonly LoadRequest[]): Promise<readonly Loaded<object>[]>;
  /** Resolves when snapshots under way are written. */
  drain(): Promise<void>;
}

interface Options {
  readonly pool: Db;
  readonly codec: Codec;
  readonly encoding: Encoding;
  readonly onError: (error: unknown) => void;
}

interface Waiting {
  readonly requests: readonly LoadRequest[];
  readonly resolve: (loaded: readonly Loaded<object>[]) => void;
  readonly reject: (error: unknown) => void;
}

export const createLoading = ({ pool, codec, encoding, onError }: Options): Loading => {
  let waiting: Waiting[] = [];
  const underWay = new Set<Promise<void>>();

  const initial = async (folding: Folding, row: LoadedRow | undefined): Promise<Loaded<object>> => {
    if (row?.sealed == null || row.subject === null) {
      return { stream: '', version: 0, state: folding.initialState, position: 0 };
    }
    const state = JSON.parse(await codec.decryptText(row.subject, row.sealed, snapshotContext)) as object;
    return { stream: '', version: row.version, state, position: row.position };
  };

  const fold = async (
    { stream, folding }: LoadRequest,
    rows: readonly LoadedRow[],
  ): Promise<Loaded<object>> => {
    const snapshot = rows[0]?.type === null ? rows[0] : undefined;
    const events = snapshot === undefined ? rows : rows.slice(1);
    const base = await initial(folding, snapshot);
    const data = await encoding.decodeData(
      events.map((row) => ({
        type: row.type ?? '',
        schemaVersion: row.schemaVersion ?? 1,
        data: row.data ?? {},
      })),
    );
    const state = events.reduce(
      (s, row, i) => folding.evolve(s, { type: row.type ?? '', data: data[i] as EventData }),
      base.state,
    );
    const last = events.at(-1) ?? base;
    const loaded = { stream, state, version: last.version, position: last.position };
    if (events.length >= snapshotAfterEvents) save(loaded, folding);
    return loaded;
  };

  const save = (loaded: Loaded<object>, folding: Folding): void => {
    const { stream, state, version, position } = loaded;
    const subject = folding.subject(state, stream);
    const saved = codec
      .encryptText(subject, JSON.stringify(state), snapshotContext)
      .then((sealed) =>
        pool.query({
          ...saveSnapshot,
          values: [stream, folding.name, folding.stateVersion, version, position, subject, sealed],
        }),
      )
      .then(() => undefined, onError)
      .finally(() => underWay.delete(saved));
    underWay.add(saved);
  };

  const rowsOf = async (requests: readonly LoadRequest[]): Promise<readonly (readonly LoadedRow[])[]> => {
    const values = [
      requests.map((r) => r.stream),
      requests.map((r) => r.folding.name),
      requests.map((r) => r.folding.stateVersion),
    ];
    const { rows } = await pool.query<LoadedRow>({ ...loadStreams, values });
    const byRequest: LoadedRow[][] = requests.map(() => []);
    for (const row of rows) byRequest[row.nth - 1]?.push(row);
    return byRequest;
  };

  /** Rows are fetched together but folded apart, so that a stream that cannot be folded fails alone. */
  const flush = (): void => {
    const batch = waiting;
    waiting = [];
    const rows = rowsOf(batch.flatMap((w) => w.requests));
    let from = 0;
    for (const { requests, resolve, reject } of batch) {
      const first = from;
      from += requests.length;
      rows
        .then((all) => Promise.all(requests.map((request, i) => fold(request, all[first + i] ?? []))))
        .then(resolve, reject);
    }
  };

  return {
    load: (requests) =>
      new Promise((resolve, reject) => {
        if (requests.length === 0) return resolve([]);
        waiting.push({ requests, resolve, reject });
        if (waiting.length === 1) setImmediate(flush);
      }),
    drain: async () => void (await Promise.all(underWay)),
  };
};
