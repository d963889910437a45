/** `/internal/v1/tool-grants`: which tools may act as one, and ending that from afar. */
import type { GrantDesk } from '../access/oidc/grant-desk.ts';
import { sendJson } from './answer.ts';
import { originOf } from './caller.ts';
import { grantOperations } from './openapi/tools.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

export const grantRoutes = (desk: GrantDesk): readonly Route[] => [
  {
    ...grantOperations.list,
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
    ...grantOperations.revoke,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      await desk.revoke({ ...originOf(response), id: pathParameter(request, 'id') });
      response.status(204).end();
    },
  },
];
