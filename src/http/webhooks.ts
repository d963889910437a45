/**
 * `/internal/v1/webhooks`: what one does with endpoints beside the commands that manage them and the rows that
 * show them (`/internal/v1/webhook-endpoints`).
 */
import type { Request, Response } from 'express';
import type { WebhookDesk } from '../webhooks/desk.ts';
import { sendJson } from './answer.ts';
import { originOf } from './caller.ts';
import { webhookOperations as operations } from './openapi/webhooks.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import { positionIn } from './reactors.ts';
import type { Route } from './route.ts';

const ofEndpoint = (request: Request, response: Response) => ({
  ...originOf(response),
  id: pathParameter(request, 'id'),
});

export const webhookRoutes = (desk: WebhookDesk): readonly Route[] => [
  {
    ...operations.secret,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      sendJson(response, await desk.secret(ofEndpoint(request, response)));
    },
  },
  {
    ...operations.deliveries,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['cursor', 'limit', 'outcome', 'position']);
      const wanted = {
        cursor: wholeNumberOf(query, 'cursor', 1),
        limit: wholeNumberOf(query, 'limit', 1),
        position: wholeNumberOf(query, 'position', 1),
        outcome: oneOf(query, 'outcome'),
      };
      sendJson(response, await desk.deliveries({ ...ofEndpoint(request, response), ...present(wanted) }));
    },
  },
  {
    ...operations.redeliver,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      const position = positionIn(request);
      await desk.redeliver({ ...ofEndpoint(request, response), position });
      sendJson(response, { position }, 202);
    },
  },
];
