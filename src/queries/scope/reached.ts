/**
 * Which rows are reached, told by the log at its head and not by a read model that may lag: for what shows
 * the log itself (audit, live envelopes) and rows as of a moment. All rows that are needed are loaded at
 * once, those that they belong to in a second go.
 */
import { isEveryRow, type Rows } from '../../access/principal.ts';
import type { EventLog, LoadRequest } from '../../events/log.ts';
import type { Known } from '../catalogue.ts';
import type { Judgement, Judging, RowAt } from './judging.ts';
import type { RowState } from './row-folding.ts';

export interface Reached {
  /** Those of the streams whose rows are there and reached. */
  streams(streams: readonly string[], rows: Rows): Promise<ReadonlySet<string>>;
  /** Whether the row of that key is reached; `row` is what it was at some moment. */
  row(known: Known, key: string, row: object, rows: Rows): Promise<boolean>;
}

const keyOf = ({ stream, folding }: LoadRequest): string => `${folding.name} ${stream}`;

export const createReached = (log: Pick<EventLog, 'load'>, judging: Judging): Reached => {
  /** Judges until nothing is missing; each go loads a set. */
  const settle = async <Key>(
    keys: readonly Key[],
    judge: (key: Key, rowAt: RowAt) => Judgement,
  ): Promise<ReadonlySet<Key>> => {
    const shelf = new Map<string, RowState>();
    const rowAt: RowAt = (request) => shelf.get(keyOf(request));
    for (;;) {
      const judged = keys.map((key) => ({ key, ...judge(key, rowAt) }));
      const missing = new Map(judged.flatMap((one) => one.missing.map((m) => [keyOf(m), m] as const)));
      if (missing.size === 0) return new Set(judged.filter(({ reached }) => reached).map(({ key }) => key));
      const loaded = await log.load([...missing.values()]);
      [...missing.keys()].forEach((key, n) => void shelf.set(key, loaded[n]?.state as RowState));
    }
  };

  return {
    streams: async (streams, rows) => {
      const distinct = [...new Set(streams)];
      if (isEveryRow(rows)) return new Set(distinct);
      return settle(distinct, (stream, rowAt) => judging.judge(stream, rows, rowAt));
    },
    row: async (known, key, row, rows) => {
      if (isEveryRow(rows)) return true;
      const stream = known.definition.stream?.(key);
      const found = await settle([key], (_key, rowAt) =>
        stream === undefined ? judging.judgeRow(known, row, rows, rowAt) : judging.judge(stream, rows, rowAt),
      );
      return found.has(key);
    },
  };
};
