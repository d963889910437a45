/**
 * What became of an item, as it stands in a round's array, and as callers read it. Names are short
 * because there are millions of them.
 */
import type { FieldError } from '../errors.ts';
import type { ItemResult, Outcome } from './request.ts';

export interface StoredOutcome {
  /** Index in the job. */
  readonly x: number;
  /** Target. */
  readonly t: string | null;
  /** Line. */
  readonly l?: number;
  readonly o: Outcome;
  /** Code. */
  readonly c?: string;
  /** Message. */
  readonly m?: string;
  /** What is wrong with its fields. */
  readonly e?: readonly FieldError[];
  /** Position of its first event, and how many follow without a gap. */
  readonly p?: readonly [number, number];
  /** In a dry run: types of the events that there would be. */
  readonly w?: readonly string[];
  /** In a dry run: version of the stream that it was decided on. */
  readonly v?: number;
}

export const positionsOf = ({ p }: Pick<StoredOutcome, 'p'>): readonly number[] =>
  p === undefined ? [] : Array.from({ length: p[1] }, (_, n) => p[0] + n);

const counted = ['succeeded', 'unchanged', 'rejected', 'failed', 'skipped'] as const;

/** How many there are of each, in the order in which the statements of a round take them. */
export const countsOf = (outcomes: readonly StoredOutcome[]): readonly number[] =>
  counted.map((name) => outcomes.filter(({ o }) => o === name).length);

export const resultOf = (stored: StoredOutcome): ItemResult => {
  const { x, t, l, o, c, m, e, w } = stored;
  const path = e?.[0]?.path;
  return {
    index: x,
    ...(l === undefined ? {} : { line: l }),
    target: t,
    outcome: o,
    ...(c === undefined ? {} : { code: c }),
    ...(m === undefined ? {} : { message: m }),
    ...(path === undefined ? {} : { path }),
    ...(e === undefined ? {} : { errors: e }),
    positions: positionsOf(stored),
    ...(w === undefined ? {} : { wouldAppend: w }),
  };
};
