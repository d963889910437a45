/**
 * Whether the row that a stream stands for is reached, told from rows in memory. Which rows are needed to
 * tell is part of the answer, so that whoever asks about many streams loads all of them at once.
 *
 * The first projection that names a stream as its rows' own stands for it. A stream that no projection
 * stands for has no row by which it could be reached: to act on it or to be shown its events, one must
 * reach every row.
 */
import type { Rows } from '../../access/principal.ts';
import type { LoadRequest } from '../../events/log.ts';
import type { UnitEvent } from '../../events/unit.ts';
import type { Catalogue, Known } from '../catalogue.ts';
import { meets } from './meets.ts';
import { type RowState, rowRequest, withDecided } from './row-folding.ts';
import type { Requirement, Scope, Scopes, Step } from './scope.ts';

/** The row of a stream, where it is known already. */
export type RowAt = (request: LoadRequest) => RowState | undefined;

/** `missing` is not empty: those rows must be loaded first. */
export interface Judgement {
  readonly reached: boolean;
  readonly missing: readonly LoadRequest[];
}

export interface Judging {
  /** Whether the row is reached; one that is not there is not. */
  judge(stream: string, rows: Rows, rowAt: RowAt): Judgement;
  /** As `judge`, of a row that is not its stream's at the head. */
  judgeRow(known: Known, row: object, rows: Rows, rowAt: RowAt): Judgement;
  /** Loads that telling takes at most, one after another, of rows of these streams: the same for missing ones. */
  loadsMax(streams: readonly string[], rows: Rows): number;
  /** Whether a projection stands for the stream. */
  standsForRow(stream: string): boolean;
  /** The row of the stream with these events on top; undefined where no projection stands for it. */
  decided(stream: string, rowAt: RowAt, events: readonly UnitEvent[]): Decided | undefined;
}

export interface Decided {
  readonly request: LoadRequest;
  readonly state: RowState;
}

interface Place {
  readonly known: Known;
  readonly prefix: string;
}

const yes: Judgement = { reached: true, missing: [] };
const no: Judgement = { reached: false, missing: [] };

/** `account-` of a projection whose rows' streams are named `account-<key>`. */
const placeOf = (known: Known): Place | undefined => {
  const named = known.definition.stream?.('x');
  return named?.endsWith('x') === true ? { known, prefix: named.slice(0, -1) } : undefined;
};

const all = (judgements: readonly Judgement[]): Judgement => ({
  reached: judgements.every(({ reached }) => reached),
  missing: judgements.flatMap(({ missing }) => missing),
});

const any = (judgements: readonly Judgement[]): Judgement => {
  const open = judgements.filter(({ missing }) => missing.length > 0);
  if (judgements.some(({ reached, missing }) => reached && missing.length === 0)) return yes;
  return open.length === 0 ? no : { reached: false, missing: open.flatMap(({ missing }) => missing) };
};

const loadsOf = (scopes: Scopes, known: Known | undefined, rows: Rows): number => {
  const scope = known && scopes.of(known, rows);
  return scope === undefined ? 0 : 1 + Math.max(0, ...scope.flat().map(({ way }) => way.length));
};

export const createJudging = (catalogue: Pick<Catalogue, 'all'>, scopes: Scopes): Judging => {
  const places = catalogue.all
    .flatMap((known) => placeOf(known) ?? [])
    .filter((place, n, found) => found.findIndex(({ prefix }) => prefix === place.prefix) === n)
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const placeIn = (stream: string): (Place & { readonly key: string }) | undefined => {
    const place = places.find(({ prefix }) => stream.startsWith(prefix));
    return place && { ...place, key: stream.slice(place.prefix.length) };
  };

  const ownerOf = (row: object, { field, owner }: Step): LoadRequest | undefined => {
    const key = (row as Readonly<Record<string, unknown>>)[field];
    const stream = typeof key === 'string' ? owner.definition.stream?.(key) : undefined;
    return stream === undefined ? undefined : rowRequest(owner, stream, String(key));
  };

  /** Along the way, row by row. */
  const requirement = (row: object, { way, known, anyOf }: Requirement, rowAt: RowAt): Judgement => {
    const [step, ...onward] = way;
    if (step === undefined) return anyOf.some((filter) => meets(row, filter)) ? yes : no;
    const request = ownerOf(row, step);
    if (request === undefined) return no;
    const state = rowAt(request);
    if (state === undefined) return { reached: false, missing: [request] };
    return state.row === null ? no : requirement(state.row, { way: onward, known, anyOf }, rowAt);
  };

  const within = (row: object, scope: NonNullable<Scope>, rowAt: RowAt): Judgement =>
    any(scope.map((part) => all(part.map((one) => requirement(row, one, rowAt)))));

  return {
    judge(stream, rows, rowAt) {
      const place = placeIn(stream);
      if (place === undefined) return no;
      const scope = scopes.of(place.known, rows);
      if (scope === undefined) return yes;
      const request = rowRequest(place.known, stream, place.key);
      const state = rowAt(request);
      if (state === undefined) return { reached: false, missing: [request] };
      return state.row === null ? no : within(state.row, scope, rowAt);
    },
    judgeRow(known, row, rows, rowAt) {
      const scope = scopes.of(known, rows);
      return scope === undefined ? yes : within(row, scope, rowAt);
    },
    loadsMax: (streams, rows) =>
      Math.max(0, ...streams.map((stream) => loadsOf(scopes, placeIn(stream)?.known, rows))),
    standsForRow: (stream) => placeIn(stream) !== undefined,
    decided(stream, rowAt, events) {
      const place = placeIn(stream);
      if (place === undefined) return undefined;
      const request = rowRequest(place.known, stream, place.key);
      const before = rowAt(request);
      return before && { request, state: withDecided(place.known, place.key, before, events) };
    },
  };
};
