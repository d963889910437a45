/** `/internal/v1/feed`: the log for other services, as lines of JSON; long polling keeps them close to it. */
import type { Response } from 'express';
import type { Feed } from '../audit/feed.ts';
import { setPosition } from './answer.ts';
import { originOf } from './caller.ts';
import { feedOperation } from './openapi/feed.ts';
import { oneOf, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import type { Route } from './route.ts';
import { ndjsonLines, sendStream } from './streaming.ts';

const limitDefault = 500;

/** Aborts when whoever asked is gone. */
const goneWith = (response: Response): AbortSignal => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  return gone.signal;
};

const typesIn = (query: URLSearchParams): readonly string[] | undefined =>
  oneOf(query, 'types')
    ?.split(',')
    .map((type) => type.trim());

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

export const feedRoute = (feed: Feed): Route => ({
  ...feedOperation,
  handle: async (request, response) => {
    const query = queryOf(request);
    requireKnown(query, ['after', 'limit', 'wait', 'types']);
    const types = typesIn(query);
    const page = await feed.read({
      ...originOf(response),
      after: wholeNumberOf(query, 'after', 0) ?? 0,
      limit: wholeNumberOf(query, 'limit', 1) ?? limitDefault,
      wait: wholeNumberOf(query, 'wait', 0) ?? 0,
      signal: goneWith(response),
      ...(types === undefined ? {} : { types }),
    });
    if (response.destroyed) return;
    setPosition(response, page.position);
    await sendStream(request, response, {
      contentType: 'application/x-ndjson',
      chunks: ndjsonLines(each(page.events)),
    });
  },
});
