/**
 * Cursors: where a page ended, as the values of its last row's sort fields. Opaque and authenticated: the
 * MAC is over the values and over the query they belong to, so a cursor that was forged, or given for
 * another projection, filter or order, is refused as one.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { QuarterdeckError } from '../errors.ts';
import type { Value } from './values.ts';

export type Place = readonly (Value | null)[];

export interface Cursors {
  seal(query: string, place: Place): string;
  /** @throws QuarterdeckError malformed_request. */
  open(query: string, cursor: string): Place;
}

const macBytes = 16;

const refused = (): QuarterdeckError =>
  new QuarterdeckError(
    'malformed_request',
    'The cursor does not belong to this query. Give the nextCursor of an answer with the same filter, sort and asOf.',
  );

export const createCursors = (key: Buffer): Cursors => {
  const mac = (query: string, place: Buffer): Buffer =>
    createHmac('sha256', key)
      .update(`cursor\n${Buffer.byteLength(query)}\n${query}\n`)
      .update(place)
      .digest()
      .subarray(0, macBytes);
  return {
    seal(query, place) {
      const bytes = Buffer.from(JSON.stringify(place));
      return Buffer.concat([mac(query, bytes), bytes]).toString('base64url');
    },
    open(query, cursor) {
      const bytes = Buffer.from(cursor, 'base64url');
      const place = bytes.subarray(macBytes);
      if (bytes.length <= macBytes || bytes.toString('base64url') !== cursor) throw refused();
      if (!timingSafeEqual(mac(query, place), bytes.subarray(0, macBytes))) throw refused();
      return JSON.parse(place.toString()) as Place;
    },
  };
};
