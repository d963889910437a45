/**
 * Parameters of the path and the query, as sound text: what PostgreSQL could not hold is refused here,
 * so that it never becomes a fault of the database. Read from the address itself: in a foreign express
 * app `request.query` has whatever shape that app's parser gives it.
 */
import type { Request } from 'express';
import { invalidInput } from '../errors.ts';
import { textFault } from '../events/sound-json.ts';
import { malformed, notFound } from './problem.ts';

/** @throws QuarterdeckError malformed_request, invalid_input. */
export const queryOf = (request: Request): URLSearchParams => {
  const start = request.originalUrl.indexOf('?');
  const text = start < 0 ? '' : request.originalUrl.slice(start + 1);
  requireDecodable(text);
  const query = new URLSearchParams(text);
  for (const [name, value] of query) {
    const fault = textFault(name) ?? textFault(value);
    if (fault !== undefined) throw invalidInput(textFault(name) === undefined ? name : '', fault);
  }
  return query;
};

/** URLSearchParams would turn broken encodings into U+FFFD and look for that. */
const requireDecodable = (text: string): void => {
  try {
    decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw malformed('The query string holds a broken percent-encoding.');
  }
};

/** A query parameter given at most once; an empty value counts as given. */
export const oneOf = (query: URLSearchParams, name: string): string | undefined => {
  const values = query.getAll(name);
  if (values.length > 1) throw invalidInput(name, 'Give it once only.');
  return values[0];
};

/** A query parameter that is `true` or `false`; false where absent. */
export const flagOf = (query: URLSearchParams, name: string): boolean => {
  const value = oneOf(query, name);
  if (value === undefined || value === 'false') return false;
  if (value === 'true' || value === '') return true;
  throw invalidInput(name, 'Give true or false.');
};

/** A whole number from `min` on; undefined where absent. */
export const wholeNumberOf = (query: URLSearchParams, name: string, min: number): number | undefined => {
  const value = oneOf(query, name);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d{1,15}$/.test(value) || number < min)
    throw invalidInput(name, `Give a whole number from ${min} on.`);
  return number;
};

/** @throws QuarterdeckError `invalid_input` for the first parameter that is not among the known ones. */
export const requireKnown = (query: URLSearchParams, known: readonly string[]): void => {
  for (const name of query.keys()) {
    if (known.includes(name)) continue;
    throw invalidInput(
      name,
      known.length === 0 ? 'Takes no parameters.' : `Unknown; known are ${known.join(', ')}.`,
    );
  }
};

/** A path parameter. What could name nothing is simply not there. */
export const pathParameter = (request: Request, name: string): string => {
  const value = request.params[name];
  if (typeof value !== 'string' || value === '' || value.length > 512 || textFault(value) !== undefined) {
    throw notFound('There is nothing of that name.');
  }
  return value;
};
