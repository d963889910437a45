/** What a request to try items of an ended job again asks for, read as strictly as a new job. */
import { z } from 'zod';
import type { EventData } from '../events/definition.ts';
import { checkAsked, parseMembers } from './asked.ts';
import { type Conduct, conductShape, numbersIn } from './conduct.ts';
import { type Match, matches } from './matching.ts';
import { type AskedReading, readingShape } from './sources/asked-reading.ts';

export const retriable = ['failed', 'rejected'] as const;

export type Retriable = (typeof retriable)[number];

const words: Readonly<Record<Retriable, string>> = { failed: 'failed', rejected: 'was rejected' };

/** `failed or was rejected`. */
export const told = (outcomes: readonly Retriable[]): string =>
  outcomes.map((one) => words[one]).join(' or ');

const outcomes = 'Give a list of failed, rejected or both.';
const label = 'Give text of at most 200 characters.';

const common = {
  outcomes: z.array(z.enum(retriable, outcomes), outcomes).min(1, outcomes).optional(),
  label: z.string(label).max(200, label).optional(),
  ...conductShape,
};

const bodySchema = z.strictObject(common);

const uploadSchema = z.strictObject({
  ...common,
  match: z.enum(matches, `Give one of ${matches.join(', ')}.`).default('target'),
  ...readingShape,
});

export interface AskedRetry extends Conduct {
  /** What failed, unless told; of a correction what was rejected too. */
  readonly outcomes?: readonly Retriable[] | undefined;
  readonly label?: string | undefined;
}

export interface AskedCorrection extends AskedRetry, AskedReading {
  /** By what a row names its item. */
  readonly match: Match;
}

const refusal = 'The retry is not valid.';

export const readRetry = (body: EventData): AskedRetry => checkAsked(bodySchema, body, refusal);

/** Query parameters are texts: `outcomes` is separated by commas, `map` is JSON. */
export const readCorrection = (query: Readonly<Record<string, string>>): AskedCorrection => {
  const value: Record<string, unknown> = { ...parseMembers(query, ['map']), ...numbersIn(query) };
  if (query.outcomes !== undefined) value.outcomes = query.outcomes.split(',');
  return checkAsked(uploadSchema, value, refusal);
};
