/**
 * Fields that inputs of several areas have. Each says in its message what would be right; reading a value
 * that was read before gives the same value again, because stored inputs are validated anew.
 */
import { z } from 'zod';
import { idPattern } from '../../events/envelope.ts';
import { isDate, momentOf } from '../../events/moment.ts';

/** One message whether the value is of the wrong type or missing. */
export const must = (message: string) => ({
  error: ({ input }: { input: unknown }) => (input === undefined ? `is missing; it ${message}` : message),
});

export const id = (of: string) =>
  z
    .string(must('must be text'))
    .regex(idPattern, 'must be 1 to 64 of A–Z a–z 0–9 . _ - and not . or ..')
    .describe(`The ${of}'s id.`);

export const text = (lengthMax: number) =>
  z
    .string(must(`must be text of 1 to ${lengthMax} characters`))
    .trim()
    .min(1, 'must not be blank')
    .max(lengthMax, `must be at most ${lengthMax} characters`);

/** Free text may name people: mark it `personal` wherever it is used. */
export const freeText = () => text(2000);

const trimmed = (value: unknown): unknown => (typeof value === 'string' ? value.trim() : value);

export const emailAddress = () =>
  z.preprocess(
    trimmed,
    z
      .email(must('must be an e-mail address, like "ada@example.com"'))
      .max(254, 'must be at most 254 characters'),
  );

const day = 'must be a calendar date, like "2026-03-31"';

/** A day that the calendar has; it sorts as text. */
export const calendarDate = () => z.iso.date({ abort: true, ...must(day) }).refine(isDate, day);

export const month = () =>
  z
    .string(must('must be a month, like "2026-03"'))
    .regex(/^(?!0000)\d{4}-(0[1-9]|1[0-2])$/, 'must be a month, like "2026-03"');

const moment = 'must be a time with its zone, like "2026-03-31T18:00:00Z"';

/** A moment with its zone, kept in the log's own form (UTC, microseconds), so that it sorts as text. */
export const momentInTime = () =>
  z.iso
    .datetime({ offset: true, abort: true, ...must(moment) })
    .refine((given) => momentOf(given) !== undefined, moment)
    .transform((given) => momentOf(given) ?? given);
