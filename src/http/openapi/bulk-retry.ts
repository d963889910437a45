/** What OpenAPI says of trying items of a bulk job again. */
import { retriable } from '../../workers/asked-retry.ts';
import { matches } from '../../workers/matching.ts';
import type { Operation, Parameter } from '../route.ts';
import { conduct, conductNames, conductQuery } from './bulk-conduct.ts';
import { query } from './parts.ts';
import { arrayOf, json, object, text } from './schemas.ts';

const body = object(
  {
    outcomes: {
      ...arrayOf({ enum: retriable }),
      description: 'Which items: `failed` unless told; with an upload `failed` and `rejected`.',
    },
    label: { ...text, description: 'As before unless told.' },
    ...conduct,
  },
  ['outcomes', 'label', ...conductNames],
);

export const retryBody: NonNullable<Operation['body']> = {
  required: false,
  description:
    'An upload holds corrected input: the new job has exactly its rows, each of which names an item of the old one.',
  content: {
    ...json(body, { outcomes: ['failed', 'rejected'] }),
    'text/csv': { schema: text },
    'application/x-ndjson': { schema: text },
  },
};

export const correctionQuery: readonly Parameter[] = [
  query(
    'match',
    { enum: matches },
    'With an upload: by what a row names its item. `target` unless told; for `index` and `line` it has a column (or member) of that name.',
  ),
  query('outcomes', text, 'With an upload: as in the body, separated by commas.'),
  query('map', text, 'With a CSV upload: JSON, input field to column.'),
  query('label', text, 'With an upload: as in the body.'),
  ...conductQuery,
];
