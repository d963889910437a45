/** What OpenAPI says about the feed. */
import type { Operation } from '../route.ts';
import { query } from './parts.ts';
import { ref, text, whole } from './schemas.ts';

export const feedOperation: Operation = {
  method: 'get',
  path: '/internal/v1/feed',
  operationId: 'feed',
  tag: 'Feed',
  summary:
    'Events of the areas behind a position, in order, one CloudEvent a line; waits where there is none yet',
  description:
    'Ask again behind the `Quarterdeck-Position` of the answer, which moves on also where no event was for you. ' +
    'Personal fields are there with the permission `feed:personal`.',
  permission: 'feed:read',
  parameters: [
    query('after', whole, 'A position; 0, from the beginning, unless told.'),
    query('limit', whole, 'Events at most: 500 unless told, up to 1,000. Large events may make it fewer.'),
    query('wait', whole, 'Seconds to wait for the first event where there is none: 0 unless told, up to 30.'),
    query('types', text, 'Only these event types, separated by commas.'),
  ],
  answers: [
    {
      status: 200,
      description: 'Events, oldest first; empty where there were none in time.',
      content: { 'application/x-ndjson': { schema: ref('CloudEvent') } },
      headers: ['Quarterdeck-Position'],
    },
  ],
  codes: ['malformed_request', 'not_permitted', 'invalid_input'],
};
