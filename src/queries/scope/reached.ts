/**
 * Which rows are reached, told by the log at its head and not by a read model that may lag: for what shows
 * the log itself (audit, live envelopes) and rows as of a moment. All rows that are needed are loaded at
 * once, those that they belong to in a second go.
 */
import { isEveryRow, type Rows } from '../../access/principal.ts';
import type { EventLog, LoadRequest } from '../../events/log.ts';
import type { Catalogue, Known } from '../catalogue.ts';
import type { Judgement, Judging, RowAt } from './judging.ts';
import type { RowState } from './row-folding.ts';

export interface Reached {
  /** Those of the streams whose rows are there and reached. */
  streams(streams: readonly string[], rows: Rows): Promise<ReadonlySet<string>>;
  /** Whether a row of several streams is reached; `row` is what it was at some moment. */
  row(known: Known, row: object, rows: Rows): Promise<boolean>;
}

/** Under one key for all: the states hold nothing personal. */
const unopenedSubject = '$reach';

/**
 * Where no rule looks at a personal field, rows are told without opening any: a row that is out of reach then
 * takes the very statements of one that is not there.
 */
const unopened = ({ stream, folding }: LoadRequest): LoadRequest => ({
  stream,
  folding: {
    ...folding,
    name: `${folding.name} unopened`,
    unopened: true,
    subject: () => unopenedSubject,
  },
});

/** A stream that never is. */
const nowhere: LoadRequest = {
  stream: '$nowhere',
  folding: {
    name: 'nowhere',
    initialState: {},
    stateVersion: 1,
    evolve: (state: object) => state,
    subject: () => unopenedSubject,
  },
};

const keyOf = ({ stream, folding }: LoadRequest): string => `${folding.name} ${stream}`;

export const createReached = (
  log: Pick<EventLog, 'load'>,
  judging: Judging,
  catalogue: Pick<Catalogue, 'find'>,
): Reached => {
  /** A projection that is not known is told with everything open. */
  const asksPersonal = (rows: Rows): boolean =>
    rows.flat().some(({ projection, anyOf }) => {
      const fields = catalogue.find(projection)?.definition.fields;
      return anyOf.some((where) =>
        Object.keys(where).some((name) => fields === undefined || fields[name]?.personal === true),
      );
    });

  /** Judges until nothing is missing; each go loads a set. Where less is there to load, as many goes are made. */
  const settle = async <Key>(
    keys: readonly Key[],
    { rows, loads }: { readonly rows: Rows; readonly loads: number },
    judge: (key: Key, rowAt: RowAt) => Judgement,
  ): Promise<ReadonlySet<Key>> => {
    const asRead = asksPersonal(rows) ? (request: LoadRequest) => request : unopened;
    const shelf = new Map<string, RowState>();
    const rowAt: RowAt = (request) => shelf.get(keyOf(request));
    for (let go = 0; ; go++) {
      const judged = keys.map((key) => ({ key, ...judge(key, rowAt) }));
      const missing = new Map(judged.flatMap((one) => one.missing.map((m) => [keyOf(m), m] as const)));
      if (missing.size === 0 && go >= loads)
        return new Set(judged.filter(({ reached }) => reached).map(({ key }) => key));
      const loaded = await log.load(missing.size === 0 ? [nowhere] : [...missing.values()].map(asRead));
      [...missing.keys()].forEach((key, n) => void shelf.set(key, loaded[n]?.state as RowState));
    }
  };

  return {
    streams: async (streams, rows) => {
      const distinct = [...new Set(streams)];
      if (isEveryRow(rows)) return new Set(distinct);
      const loads = judging.loadsMax(distinct, rows);
      return settle(distinct, { rows, loads }, (stream, rowAt) => judging.judge(stream, rows, rowAt));
    },
    row: async (known, row, rows) => {
      if (isEveryRow(rows)) return true;
      const found = await settle([row], { rows, loads: 0 }, (one, rowAt) =>
        judging.judgeRow(known, one, rows, rowAt),
      );
      return found.has(row);
    },
  };
};
