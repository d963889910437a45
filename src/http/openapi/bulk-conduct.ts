/** What OpenAPI says of how a bulk job is to run. */
import { priorities, rateMax } from '../../workers/conduct.ts';
import type { JsonSchema, Parameter } from '../route.ts';
import { query } from './parts.ts';
import { time } from './schemas.ts';

const priority: JsonSchema = { enum: priorities };
const maxRate: JsonSchema = { type: 'number', minimum: 0.01, maximum: rateMax };
const maxFailureRatio: JsonSchema = { type: 'number', minimum: 0, maximum: 1 };

/** Fields of a body. */
export const conduct = {
  startAt: {
    ...time,
    description: 'Until then the job is `accepted`; within a year. Rights are looked at when it runs.',
  },
  priority: {
    ...priority,
    description: 'Its share of the workers beside other jobs, 1 to 3 to 9; `normal` unless told.',
  },
  maxRate: { ...maxRate, description: 'Items decided a second at most, over all processes.' },
  maxFailureRatio: {
    ...maxFailureRatio,
    description:
      'The first 100 items run alone. Where more of what was decided failed or was rejected, then or later, the job pauses itself with `failure_ratio_exceeded`.',
  },
} satisfies Readonly<Record<string, JsonSchema>>;

export const conductNames = Object.keys(conduct);

export const conductQuery: readonly Parameter[] = [
  query('startAt', time, 'With an upload: as in the body.'),
  query('priority', priority, 'With an upload: as in the body.'),
  query('maxRate', maxRate, 'With an upload: as in the body.'),
  query('maxFailureRatio', maxFailureRatio, 'With an upload: as in the body.'),
];
