/**
 * JSON texts in which positions are counted from the head of the log, which nobody knows before the
 * append lock is held: cut where the positions stand, so that the database can put them in.
 */
import { arrayText } from '../db/array-text.ts';

export interface Ahead {
  /** What stands between the positions, one a line; JSON text holds no line break. */
  readonly lines: string;
  /** The positions, counted from the head: an array's text. */
  readonly ahead: string;
}

/** A quote within a string is escaped, so that these match members only. */
export const inOutcomes = /(?<="p":\[)\d+/g;
export const inRecord = /(?<="positions":\[(?:\d+,)*)\d+/g;

export const cutAt = (text: string, positions: RegExp): Ahead => ({
  lines: text.split(positions).join('\n'),
  ahead: arrayText(text.match(positions) ?? []),
});
