/**
 * Commands of somebody whose roles reach some rows only. A row that they do not reach is to them as if it
 * were not there: the command is decided on a stream that never began, so that the answer is to the letter
 * the one of a missing row. What a command would leave out of their reach is refused. All of it is told
 * from the log at its head; the versions of the rows that told it are conditions of the append.
 */
import type { Rows } from '../access/principal.ts';
import type { Loaded, LoadRequest } from '../events/log.ts';
import type { UnitEvent } from '../events/unit.ts';
import { type Rejection, reject } from './definition.ts';

interface RowState {
  readonly row: object | null;
}

type RowAt = (request: LoadRequest) => RowState | undefined;

/** The read side's knowledge of which row a stream stands for, and which rows that one belongs to. */
export interface RowJudging {
  /** `missing` is not empty: those must be loaded before it can be told. */
  judge(
    stream: string,
    rows: Rows,
    rowAt: RowAt,
  ): { readonly reached: boolean; readonly missing: readonly LoadRequest[] };
  /** Whether a projection stands for the stream: of one for which none does, no rule can say anything. */
  standsForRow(stream: string): boolean;
  /** The stream's row with these events on top; undefined where it stands for no row. */
  decided(
    stream: string,
    rowAt: RowAt,
    events: readonly UnitEvent[],
  ): { readonly request: LoadRequest; readonly state: RowState } | undefined;
}

/** Where nobody knows of rows, those of whom the policy names some reach none. */
export const nothingIsReached: RowJudging = {
  judge: () => ({ reached: false, missing: [] }),
  standsForRow: () => false,
  decided: () => undefined,
};

/** What was loaded, of which rows are a part. */
export interface RowShelf {
  fetch(requests: readonly LoadRequest[]): Promise<void>;
  peek(request: LoadRequest): Loaded<object> | undefined;
  keyOf(request: LoadRequest): string;
}

export interface Reaching {
  /** Rows that must be loaded to tell about these streams, as far as it is known by now. */
  missing(streams: readonly string[], rows: Rows): readonly LoadRequest[];
  /** Whether the stream's row, with these events on top, is reached; `reads` is told what it depends on. */
  reaches(
    stream: string,
    rows: Rows,
    decided: readonly UnitEvent[],
    reads: Map<string, number>,
  ): Promise<boolean>;
  /** Whether the stream has rows at all that may be out of reach. */
  hasRow(stream: string): boolean;
  /** Whether there is a row at all, with these events on top. */
  isThere(stream: string, decided: readonly UnitEvent[]): boolean;
}

export const createReaching = (judging: RowJudging, shelf: RowShelf): Reaching => {
  const stateOf: RowAt = (request) => shelf.peek(request)?.state as RowState | undefined;

  const onTop = (stream: string, decided: readonly UnitEvent[]) =>
    decided.length === 0 ? undefined : judging.decided(stream, stateOf, decided);

  return {
    hasRow: judging.standsForRow,
    missing: (streams, rows) => streams.flatMap((stream) => judging.judge(stream, rows, stateOf).missing),
    async reaches(stream, rows, decided, reads) {
      for (;;) {
        const evolved = onTop(stream, decided);
        const judged = judging.judge(stream, rows, (request) => {
          const at = shelf.peek(request);
          if (at !== undefined) reads.set(request.stream, at.version);
          return evolved !== undefined && shelf.keyOf(request) === shelf.keyOf(evolved.request)
            ? evolved.state
            : (at?.state as RowState | undefined);
        });
        if (judged.missing.length === 0) return judged.reached;
        await shelf.fetch(judged.missing);
      }
    },
    isThere: (stream, decided) => (judging.decided(stream, stateOf, decided)?.state.row ?? null) !== null,
  };
};

/** For whom the row is not there, whatever a decider that does not mind would say. */
export const nothingThere = (): Rejection => reject('not_found', 'There is nothing of that id.');

export const outOfReach = (): Rejection =>
  reject('not_permitted', 'This would leave a row outside of those that your roles reach.');
