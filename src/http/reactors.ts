/** `/internal/v1/reactors`: how they stand, their dead letters, and what an operator does about them. */
import type { Request, Response } from 'express';
import type { ReactorDesk } from '../workers/reactors/request.ts';
import { sendJson, setPosition } from './answer.ts';
import { originOf } from './caller.ts';
import { reactorOperations as operations } from './openapi/reactors.ts';
import { pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';

const named = (request: Request, response: Response) => ({
  ...originOf(response),
  name: pathParameter(request, 'name'),
});

/** A position that cannot be one names nothing. */
export const positionIn = (request: Request): number => {
  const text = pathParameter(request, 'position');
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  // Refused behind the permission, like any position at which there is nothing.
  return 0;
};

const plain = (request: Request): void => requireKnown(queryOf(request), []);

export const reactorRoutes = (desk: ReactorDesk): readonly Route[] => [
  {
    ...operations.list,
    handle: async (request, response) => {
      plain(request);
      const standing = await desk.list(originOf(response));
      setPosition(response, standing.position);
      sendJson(response, standing);
    },
  },
  {
    ...operations.deadLetters,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['after', 'limit']);
      const paging = { after: wholeNumberOf(query, 'after', 0), limit: wholeNumberOf(query, 'limit', 1) };
      sendJson(response, await desk.deadLetters({ ...named(request, response), ...present(paging) }));
    },
  },
  {
    ...operations.retryAll,
    handle: async (request, response) => {
      plain(request);
      sendJson(response, { count: await desk.retry(named(request, response)) });
    },
  },
  {
    ...operations.retry,
    handle: async (request, response) => {
      plain(request);
      const asked = { ...named(request, response), position: positionIn(request) };
      sendJson(response, { count: await desk.retry(asked) });
    },
  },
  {
    ...operations.discard,
    handle: async (request, response) => {
      plain(request);
      const asked = { ...named(request, response), position: positionIn(request) };
      sendJson(response, { count: await desk.discard(asked) });
    },
  },
  {
    ...operations.pause,
    handle: async (request, response) => {
      plain(request);
      sendJson(response, await desk.pause(named(request, response)));
    },
  },
  {
    ...operations.resume,
    handle: async (request, response) => {
      plain(request);
      sendJson(response, await desk.resume(named(request, response)));
    },
  },
];
