/**
 * How values of PostgreSQL become values of JavaScript, for one pool or client at a time; the
 * driver's process-wide table is never changed, so that a product which embeds Quarterdeck keeps its
 * own parsers.
 *
 * - `int8` becomes a number; one that a number cannot hold exactly is an error, never a near miss.
 * - `timestamptz` becomes `YYYY-MM-DDTHH:MM:SS.ffffffZ`: text, because `Date` drops microseconds.
 * - `date` and `timestamp` stay text, because `Date` would move them into the process's time zone.
 */
import pg from 'pg';
import { QuarterdeckError } from '../errors.ts';

const oid = {
  int8: 20,
  json: 114,
  int8Array: 1016,
  date: 1082,
  timestamp: 1114,
  timestamptz: 1184,
  timestamptzArray: 1185,
  jsonb: 3802,
} as const;

/** The integer that `text` holds, exactly. */
export function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new QuarterdeckError('internal', `The integer ${text} is beyond what a number holds exactly.`);
  }
  return value;
}

const utcText = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?\+00$/;

/** From PostgreSQL's ISO text in a session whose TimeZone is UTC. */
export function parseTimestamptz(text: string): string {
  const match = utcText.exec(text);
  if (match === null) {
    throw new QuarterdeckError(
      'internal',
      `The time ${text} is not a UTC time between the years 1 and 9999.`,
    );
  }
  const [, date, time, fraction = ''] = match;
  return `${date}T${time}.${fraction.padEnd(6, '0')}Z`;
}

type Parser = (text: string) => unknown;

/** One-dimensional arrays of numbers and times, whose text form needs no unquoting of elements but quotes. */
const arrayOf =
  (parse: Parser): Parser =>
  (text) =>
    text === '{}'
      ? []
      : text
          .slice(1, -1)
          .split(',')
          .map((element) => (element === 'NULL' ? null : parse(element.replace(/^"|"$/g, ''))));

const asText: Parser = (text) => text;

const parsers = new Map<number, Parser>([
  [oid.int8, parseInt8],
  [oid.int8Array, arrayOf(parseInt8)],
  [oid.timestamptz, parseTimestamptz],
  [oid.timestamptzArray, arrayOf(parseTimestamptz)],
  [oid.json, (text) => JSON.parse(text)],
  [oid.jsonb, (text) => JSON.parse(text)],
  [oid.date, asText],
  [oid.timestamp, asText],
]);

/** For the `types` option of a pool or client. */
export const wireTypes: pg.CustomTypesConfig = {
  getTypeParser: ((id: number, format?: 'text' | 'binary') =>
    (format === 'binary' ? undefined : parsers.get(id)) ??
    pg.types.getTypeParser(id, format as 'text')) as pg.CustomTypesConfig['getTypeParser'],
};
