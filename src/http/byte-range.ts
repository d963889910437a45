/**
 * Parts of a file over HTTP (RFC 9110, 13 and 14): a range of bytes where one is asked for, the whole where several
 * are, and nothing where the client has the same bytes already.
 */
import type { Request, Response } from 'express';
import { QuarterdeckError } from '../errors.ts';

export interface Representation {
  readonly bytes: number;
  /** Strong, without its quotes. */
  readonly tag: string;
}

/** From `start` up to and without `end`. */
export interface Wanted {
  readonly status: 200 | 206;
  readonly start: number;
  readonly end: number;
}

const rangePattern = /^bytes=\s*(\d*)-(\d*)\s*$/i;

/** undefined: to be answered as if no range was asked for. */
const asked = (header: string, bytes: number): { start: number; end: number } | undefined => {
  const match = rangePattern.exec(header);
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  // The last so many bytes.
  if (first === '') return { start: Math.max(0, bytes - Number(last)), end: bytes };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  return { start: Number(first), end: last === '' ? bytes : Math.min(bytes, Number(last) + 1) };
};

const tagsOf = (header: string): readonly string[] =>
  header.split(',').map((tag) => tag.trim().replace(/^W\//, ''));

/** A strong comparison: a weak tag, or a date, promises nothing about bytes. */
const mayContinue = (request: Request, tag: string): boolean => {
  const ifRange = request.get('if-range');
  return ifRange === undefined || ifRange.trim() === `"${tag}"`;
};

/**
 * Sets what the answer says of the file, whichever part of it. undefined: the client has it (304).
 *
 * @throws QuarterdeckError range_not_satisfiable, with `Content-Range` set.
 */
export const wantedOf = (
  request: Request,
  response: Response,
  { bytes, tag }: Representation,
): Wanted | undefined => {
  response.setHeader('ETag', `"${tag}"`);
  response.setHeader('Accept-Ranges', 'bytes');
  const known = request.get('if-none-match');
  if (known !== undefined && (known.trim() === '*' || tagsOf(known).includes(`"${tag}"`))) return undefined;
  const header = request.get('range');
  const whole = { status: 200, start: 0, end: bytes } as const;
  if (header === undefined || !mayContinue(request, tag)) return whole;
  const range = asked(header, bytes);
  if (range === undefined) return whole;
  if (range.start >= range.end) {
    response.setHeader('Content-Range', `bytes */${bytes}`);
    throw new QuarterdeckError(
      'range_not_satisfiable',
      `The file has ${bytes} bytes; ask for a part of them.`,
    );
  }
  response.setHeader('Content-Range', `bytes ${range.start}-${range.end - 1}/${bytes}`);
  return { status: 206, ...range };
};
