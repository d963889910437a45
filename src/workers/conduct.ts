/**
 * How a job is to run, as it is asked for: when it begins, its share of the workers, how fast at most, and
 * how much may go wrong before it pauses itself.
 */
import { z } from 'zod';
import { invalidInput } from '../errors.ts';
import type { EventData } from '../events/definition.ts';
import type { Timestamp } from '../events/envelope.ts';
import { momentOf } from '../events/moment.ts';

export const priorities = ['low', 'normal', 'high'] as const;

export type Priority = (typeof priorities)[number];

/** Shares of the workers: of two jobs that run beside each other, normal gets three items for one of low. */
const weights: Readonly<Record<Priority, number>> = { low: 1, normal: 3, high: 9 };

export const weightOf = (priority: Priority): number => weights[priority];

export const priorityOf = (weight: number): Priority =>
  priorities.find((priority) => weights[priority] === weight) ?? 'normal';

/** Items that run alone, before all others, where `maxFailureRatio` is given; the least that is judged by. */
export const canaryItems = 100;

export const rateMax = 1_000_000;
const daysAheadMax = 366;

const startAt = 'Give a moment in ISO 8601 with its zone, like 2027-03-31T22:00:00Z.';
const rate = `Give items a second, from 0.01 to ${rateMax}.`;
const ratio = 'Give a part of 1, from 0 to 1: 0.05 is five in a hundred.';

export const conductShape = {
  startAt: z
    .string(startAt)
    .refine((text) => momentOf(text) !== undefined, startAt)
    .optional(),
  priority: z.enum(priorities, `Give one of ${priorities.join(', ')}.`).optional(),
  maxRate: z.number(rate).min(0.01, rate).max(rateMax, rate).optional(),
  maxFailureRatio: z.number(ratio).min(0, ratio).max(1, ratio).optional(),
};

export interface Conduct {
  readonly startAt?: string | undefined;
  readonly priority?: Priority | undefined;
  readonly maxRate?: number | undefined;
  readonly maxFailureRatio?: number | undefined;
}

/** In the log's own form; undefined: at once. */
export const startOf = ({ startAt: text }: Conduct): Timestamp | undefined =>
  text === undefined ? undefined : momentOf(text);

/** A start in the past is a slip, a start in years a job that nobody remembers. */
export const requireStart = (conduct: Conduct, now: Timestamp): void => {
  const start = startOf(conduct);
  if (start === undefined) return;
  if (start <= now)
    throw invalidInput('startAt', `It is past; it is ${now} now. Leave it out to start at once.`);
  const latest = new Date(Date.parse(now) + daysAheadMax * 86_400_000).toISOString();
  if (Date.parse(start) > Date.parse(latest))
    throw invalidInput('startAt', `Give a moment within a year, until ${latest}.`);
};

/** As the log keeps it: what was not asked for is absent. */
export const conductData = (conduct: Conduct): EventData => {
  const { priority, maxRate, maxFailureRatio } = conduct;
  return Object.fromEntries(
    Object.entries({ startAt: startOf(conduct), priority, maxRate, maxFailureRatio }).filter(
      ([, value]) => value !== undefined,
    ),
  );
};

/** Query parameters are texts. */
export const numbersIn = (query: Readonly<Record<string, string>>): EventData =>
  Object.fromEntries(
    (['maxRate', 'maxFailureRatio'] as const).flatMap((name) => {
      const text = query[name];
      return text !== undefined && /^\d{1,9}(\.\d{1,9})?$/.test(text) ? [[name, Number(text)]] : [];
    }),
  );
