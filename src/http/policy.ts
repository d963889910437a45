/** `GET /internal/v1/policy`: the access policy in force, now or at any moment. */
import type { PolicyHistory } from '../access/policy-history.ts';
import { sendJson, setPosition } from './answer.ts';
import { originOf } from './caller.ts';
import { policyOperation } from './openapi/access.ts';
import { oneOf, queryOf, requireKnown } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

export const policyRoute = (history: PolicyHistory): Route => ({
  ...policyOperation,
  handle: async (request, response) => {
    const query = queryOf(request);
    requireKnown(query, ['at']);
    const then = await history.read({ ...originOf(response), ...present({ at: oneOf(query, 'at') }) });
    setPosition(response, then.position);
    sendJson(response, then);
  },
});
