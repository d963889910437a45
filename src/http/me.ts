/** `GET /internal/v1/me`: who asks, and what they may do. */
import { meOf } from '../access/me.ts';
import { sendJson } from './answer.ts';
import { principalOf } from './caller.ts';
import { meOperation } from './openapi/fixed.ts';
import type { Route } from './route.ts';

export const meRoute: Route = {
  ...meOperation,
  handle: (_request, response) => sendJson(response, meOf(principalOf(response))),
};
