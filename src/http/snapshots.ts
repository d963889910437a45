/** Moments whose rows are kept under a name, over HTTP: what there is, and dropping one. */
import type { SnapshotDesk } from '../audit/snapshots.ts';
import { sendJson } from './answer.ts';
import { originOf } from './caller.ts';
import { operations } from './openapi/audit.ts';
import { pathParameter, queryOf, requireKnown } from './parameters.ts';
import type { Route } from './route.ts';

export const snapshotRoutes = (desk: SnapshotDesk): readonly Route[] => [
  {
    ...operations.snapshots,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      sendJson(response, { data: await desk.list(originOf(response)) });
    },
  },
  {
    ...operations.dropSnapshot,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      await desk.drop({ ...originOf(response), name: pathParameter(request, 'name') });
      response.status(204).end();
    },
  },
];
