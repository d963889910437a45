/** `/internal/v1/sessions`: where one is signed in, and ending a session from afar. */
import type { SessionDesk } from '../access/session-desk.ts';
import { sendJson } from './answer.ts';
import { originOf } from './caller.ts';
import { sessionOperations } from './openapi/access.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

export const sessionRoutes = (desk: SessionDesk): readonly Route[] => [
  {
    ...sessionOperations.list,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['person', 'cursor', 'limit']);
      const optional = {
        person: oneOf(query, 'person'),
        cursor: oneOf(query, 'cursor'),
        limit: wholeNumberOf(query, 'limit', 1),
      };
      sendJson(response, await desk.list({ ...originOf(response), ...present(optional) }));
    },
  },
  {
    ...sessionOperations.revoke,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      await desk.revoke({ ...originOf(response), id: pathParameter(request, 'id') });
      response.status(204).end();
    },
  },
];
