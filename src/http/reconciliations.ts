/** `/internal/v1/reconciliations`: what was compared with the product, and where the two sides differ. */
import type { ReconciliationDesk } from '../workers/reconciliation/index.ts';
import { sendJson } from './answer.ts';
import { originOf } from './caller.ts';
import { reconciliationOperations as operations } from './openapi/reconciliations.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

export const reconciliationRoutes = (desk: ReconciliationDesk): readonly Route[] => [
  {
    ...operations.list,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      sendJson(response, await desk.list(originOf(response)));
    },
  },
  {
    ...operations.differences,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['cursor', 'limit']);
      const paging = { cursor: oneOf(query, 'cursor'), limit: wholeNumberOf(query, 'limit', 1) };
      const asked = { ...originOf(response), name: pathParameter(request, 'name'), ...present(paging) };
      sendJson(response, await desk.differences(asked));
    },
  },
  {
    ...operations.run,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      const asked = { ...originOf(response), name: pathParameter(request, 'name') };
      sendJson(response, await desk.run(asked), 202);
    },
  },
];
