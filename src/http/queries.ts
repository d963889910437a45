/**
 * Reading over HTTP: for every projection a list, one row, and exports as CSV and NDJSON. The query
 * string goes on as it came; its grammar, permissions and paging live behind `Queries`.
 */
import type { Request, Response } from 'express';
import type { ProjectionDefinition } from '../queries/definition.ts';
import type { ExportAnswer, Queries } from '../queries/request.ts';
import { sendJson, setPosition, setVersion } from './answer.ts';
import { originOf } from './caller.ts';
import { csvLines } from './csv.ts';
import { minPositionOf } from './headers.ts';
import { operationsOfProjection } from './openapi/queries.ts';
import { pathParameter, queryOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';
import { ndjsonLines, sendStream } from './streaming.ts';

export const queryRoutes = (
  queries: Queries,
  definitions: readonly ProjectionDefinition[],
): readonly Route[] => definitions.flatMap((definition) => routesOf(queries, definition));

const routesOf = (queries: Queries, definition: ProjectionDefinition): readonly Route[] => {
  const operations = operationsOfProjection(definition);
  const projection = definition.name;
  const exported = (request: Request, response: Response) =>
    queries.exportRows({ ...askedOf(request, response), projection });
  return [
    {
      ...operations.list,
      handle: async (request, response) => {
        const page = await queries.list({ ...askedOf(request, response), projection });
        setPosition(response, page.position);
        sendJson(response, page);
      },
    },
    {
      ...operations.csv,
      handle: async (request, response) => {
        const answer = await exported(request, response);
        await download(request, response, answer, `${projection}.csv`, csvLines(answer.columns, answer.rows));
      },
    },
    {
      ...operations.ndjson,
      handle: async (request, response) => {
        const answer = await exported(request, response);
        await download(request, response, answer, `${projection}.ndjson`, ndjsonLines(answer.rows));
      },
    },
    {
      ...operations.get,
      handle: async (request, response) => {
        const key = pathParameter(request, 'id');
        const { data, position, version } = await queries.get({
          ...askedOf(request, response),
          projection,
          key,
        });
        setPosition(response, position);
        if (version !== undefined) setVersion(response, version);
        sendJson(response, { data, position });
      },
    },
  ];
};

const askedOf = (request: Request, response: Response) => ({
  ...originOf(response),
  ...present({ minPosition: minPositionOf(request) }),
  query: queryOf(request),
});

const download = (
  request: Request,
  response: Response,
  { position }: ExportAnswer,
  fileName: string,
  chunks: AsyncIterable<string>,
): Promise<void> =>
  sendStream(request, response, {
    contentType: fileName.endsWith('.csv') ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
    fileName,
    headers: { 'Quarterdeck-Position': String(position) },
    chunks,
  });
