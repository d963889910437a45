/** Fields that only inputs of accounts have. */
import { z } from 'zod';
import { id, must } from '../kernel/fields.ts';
import { contracts } from './events.ts';

export const accountId = id('account');

const kebabCase = (value: unknown): unknown =>
  typeof value === 'string' ? (byLetters.get(letters(value)) ?? value) : value;

/** `Month-to-month`, `one year` and `TWOYEAR` are all read. */
const letters = (value: string): string => value.toLowerCase().replaceAll(/[\s-]/g, '');

const byLetters: ReadonlyMap<string, string> = new Map(contracts.map((name) => [letters(name), name]));

export const contract = z
  .preprocess(kebabCase, z.enum(contracts, must(`must be one of ${contracts.join(', ')}`)))
  .describe('Read without regard to case, spaces and hyphens.');

/** A customer of a hundred years is a mistake in the file. */
const tenureMonthsMax = 1200;
const tenureMessage = `must be a whole number of months, 0 to ${tenureMonthsMax}`;

/** Text made of digits is read too, because CSV carries nothing else. */
export const tenureMonths = z.preprocess(
  (value) => (typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value),
  z.int(must(tenureMessage)).min(0, tenureMessage).max(tenureMonthsMax, tenureMessage),
);

export const flag = z
  .string(must('must be the name of a flag'))
  .regex(/^[a-z][a-z0-9-]{0,63}$/, 'must be 1 to 64 of a–z 0–9 -, beginning with a letter');

export const flagValue = z.boolean(must('must be true or false'));
