/** Exports over HTTP: asked for, looked at, downloaded as a whole or in parts, cancelled and taken away. */
import type { Request, Response } from 'express';
import type { ExportFormat, Exports } from '../workers/exports/request.ts';
import { sendJson } from './answer.ts';
import { readJsonObject } from './body.ts';
import { wantedOf } from './byte-range.ts';
import { originOf } from './caller.ts';
import { idempotencyKeyOf } from './headers.ts';
import { exportTypes, operations } from './openapi/exports.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';
import { sendBytes } from './streaming.ts';

export const exportRoutes = (exports: Exports): readonly Route[] => [
  {
    ...operations.start,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      const { export: accepted, replayed } = await exports.accept({
        ...originOf(response),
        ...present({ idempotencyKey: idempotencyKeyOf(request) }),
        body: await readJsonObject(request),
      });
      if (replayed) response.setHeader('Idempotent-Replayed', 'true');
      response.setHeader('Location', `/internal/v1/exports/${accepted.id}`);
      sendJson(response, accepted, 202);
    },
  },
  {
    ...operations.list,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['state', 'limit', 'cursor']);
      const states = query.getAll('state').flatMap((value) => value.split(','));
      const page = await exports.list({
        ...originOf(response),
        ...(states.length === 0 ? {} : { states }),
        ...present({ limit: wholeNumberOf(query, 'limit', 1), cursor: oneOf(query, 'cursor') }),
      });
      sendJson(response, page);
    },
  },
  {
    ...operations.get,
    handle: async (request, response) => sendJson(response, await exports.get(one(request, response))),
  },
  { ...operations.file, handle: (request, response) => download(exports, request, response) },
  {
    ...operations.cancel,
    handle: async (request, response) => sendJson(response, await exports.cancel(one(request, response))),
  },
  {
    ...operations.remove,
    handle: async (request, response) => sendJson(response, await exports.remove(one(request, response))),
  },
];

const one = (request: Request, response: Response) => {
  requireKnown(queryOf(request), []);
  return { ...originOf(response), id: pathParameter(request, 'id') };
};

const contentTypeOf = (format: ExportFormat): string =>
  format === 'csv' ? `${exportTypes.csv}; charset=utf-8` : exportTypes[format];

const download = async (exports: Exports, request: Request, response: Response): Promise<void> => {
  const file = await exports.file(one(request, response));
  const wanted = wantedOf(request, response, file);
  if (wanted === undefined) {
    response.status(304).end();
    return;
  }
  const { status, start, end } = wanted;
  // What cannot be recorded is not sent; asking only how large it is takes nothing.
  const isHead = request.method === 'HEAD';
  const chunks = isHead ? undefined : await file.open({ start, end });
  response.setHeader('Content-Type', contentTypeOf(file.format));
  response.setHeader('Content-Disposition', `attachment; filename="${file.fileName}"`);
  response.setHeader('Last-Modified', new Date(file.finishedAt).toUTCString());
  response.setHeader('Content-Length', String(end - start));
  response.status(status);
  if (chunks === undefined) response.end();
  else await sendBytes(response, chunks);
};
