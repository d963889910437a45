/**
 * Bulk jobs over HTTP: accepted from a JSON body or a streamed upload, listed, read, steered, and their
 * results paged or streamed. What a job may be is decided behind `Bulk`.
 */
import type { Request, Response } from 'express';
import { invalidInput } from '../errors.ts';
import {
  type Accepted,
  type Bulk,
  type ItemResult,
  type RetryRequest,
  type SteerRequest,
  type UploadRequest,
  uploadTypes,
} from '../workers/request.ts';
import { uploadTooLarge } from '../workers/sources/faults.ts';
import { uploadBytesMax } from '../workers/sources/source.ts';
import { sendJson, setPosition } from './answer.ts';
import { charsetOf, mediaTypeOf, readJsonObject, requireUncompressed, unsupported } from './body.ts';
import { originOf } from './caller.ts';
import { type Column, csvLines } from './csv.ts';
import { freeTextOf, idempotencyKeyOf, referenceOf } from './headers.ts';
import { operations } from './openapi/bulk.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';
import { ndjsonLines, sendStream } from './streaming.ts';

export const bulkRoutes = ({ accept, jobs }: Pick<Bulk, 'accept' | 'jobs'>): readonly Route[] => [
  {
    ...operations.start,
    handle: async (request, response) => sendAccepted(response, await start(accept, request, response)),
  },
  {
    ...operations.list,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['state', 'command', 'limit', 'cursor']);
      const states = query.getAll('state').flatMap((value) => value.split(','));
      const page = await jobs.list({
        ...originOf(response),
        ...(states.length === 0 ? {} : { states }),
        ...present({ command: oneOf(query, 'command'), ...pagingOf(query) }),
      });
      sendJson(response, page);
    },
  },
  {
    ...operations.get,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      sendJson(response, await jobs.get({ ...originOf(response), id: pathParameter(request, 'id') }));
    },
  },
  {
    ...operations.preview,
    handle: async (request, response) => {
      requireKnown(queryOf(request), []);
      sendJson(response, await jobs.preview({ ...originOf(response), id: pathParameter(request, 'id') }));
    },
  },
  { ...operations.results, handle: (request, response) => results(jobs, request, response) },
  {
    ...operations.pause,
    handle: async (request, response) => sendJson(response, await jobs.pause(steering(request, response))),
  },
  {
    ...operations.resume,
    handle: async (request, response) => sendJson(response, await jobs.resume(steering(request, response))),
  },
  {
    ...operations.cancel,
    handle: async (request, response) => sendJson(response, await jobs.cancel(steering(request, response))),
  },
  {
    ...operations.retryFailed,
    handle: async (request, response) =>
      sendAccepted(response, await jobs.retryFailed(await retrying(request, response))),
  },
  {
    ...operations.undo,
    handle: async (request, response) => {
      acceptPatiently(request);
      const steered = steering(request, response);
      const body = hasBody(request) ? await readJsonObject(request) : {};
      sendAccepted(response, await jobs.undo({ ...steered, body }));
    },
  },
];

/** Headers that a job's acceptance and its steering have in common. */
const acceptanceOf = (request: Request, response: Response) => ({
  ...originOf(response),
  ...present({
    idempotencyKey: idempotencyKeyOf(request),
    reason: freeTextOf(request, 'Quarterdeck-Reason'),
    reference: referenceOf(request),
  }),
});

/** The body of a streamed upload; undefined: it is none. */
const uploadOf = (request: Request, query: URLSearchParams) => {
  const mediaType = mediaTypeOf(request);
  const upload = uploadTypes.find((type) => type === mediaType);
  if (upload === undefined) return undefined;
  requireUncompressed(request);
  requireSize(request);
  return {
    ...present({ charset: charsetOf(request) }),
    mediaType: upload,
    query: single(query),
    content: contentOf(request),
  };
};

const start = async (accept: Bulk['accept'], request: Request, response: Response): Promise<Accepted> => {
  acceptPatiently(request);
  const acceptance = acceptanceOf(request, response);
  const query = queryOf(request);
  const upload = uploadOf(request, query);
  if (upload !== undefined) return accept.fromUpload({ ...acceptance, ...upload });
  if (mediaTypeOf(request) !== 'application/json') {
    throw unsupported(`Send application/json, or an upload as ${uploadTypes.join(' or ')}.`);
  }
  requireKnown(query, []);
  return accept.fromBody({ ...acceptance, body: await readJsonObject(request) });
};

/**
 * While items are frozen nothing moves on the connection: those of an undo take three minutes a million, and a workbook
 * is read when all of it is there. Bodies that trickle are cut off anyway.
 */
const freezingMsMax = 15 * 60_000;

const acceptPatiently = (request: Request): void => {
  request.socket.setTimeout(freezingMsMax);
};

/** Where the client says beforehand that it is too much, nothing of it is read. */
const requireSize = (request: Request): void => {
  if (Number(request.get('content-length') ?? 0) > uploadBytesMax) throw uploadTooLarge();
};

const single = (query: URLSearchParams): Readonly<Record<string, string>> => {
  const values: Record<string, string> = Object.create(null);
  for (const name of query.keys()) {
    const value = oneOf(query, name);
    if (value !== undefined) values[name] = value;
  }
  return values;
};

/** Left open when its reader stops early: the refusal has still to be sent over the same connection. */
const contentOf = (request: Request): UploadRequest['content'] => ({
  [Symbol.asyncIterator]: () => request.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>,
});

const sendAccepted = (response: Response, { job, replayed }: Accepted): void => {
  response.setHeader('Location', `/internal/v1/bulk-jobs/${encodeURIComponent(job.id)}`);
  setPosition(response, job.position);
  if (replayed) response.setHeader('Idempotent-Replayed', 'true');
  sendJson(response, job, 202);
};

/** A body is allowed and means nothing: what to do stands in the address. */
const steering = (request: Request, response: Response): SteerRequest => {
  requireKnown(queryOf(request), []);
  return { ...acceptanceOf(request, response), id: pathParameter(request, 'id') };
};

/** Without a body, with a JSON one, or with corrected rows as an upload. */
const retrying = async (request: Request, response: Response): Promise<RetryRequest> => {
  acceptPatiently(request);
  const query = queryOf(request);
  const upload = uploadOf(request, query);
  const steer = { ...acceptanceOf(request, response), id: pathParameter(request, 'id') };
  if (upload !== undefined) return { ...steer, upload };
  requireKnown(query, []);
  return hasBody(request) ? { ...steer, body: await readJsonObject(request) } : steer;
};
const hasBody = (request: Request): boolean =>
  Number(request.get('content-length') ?? 0) > 0 || request.get('transfer-encoding') !== undefined;

const pagingOf = (query: URLSearchParams) => ({
  limit: wholeNumberOf(query, 'limit', 1),
  cursor: oneOf(query, 'cursor'),
});

const results = async (jobs: Bulk['jobs'], request: Request, response: Response): Promise<void> => {
  const query = queryOf(request);
  requireKnown(query, ['outcome', 'format', 'limit', 'cursor']);
  const wanted = {
    ...originOf(response),
    id: pathParameter(request, 'id'),
    ...present({ outcome: oneOf(query, 'outcome') }),
  };
  const format = oneOf(query, 'format') ?? 'json';
  if (format === 'json') {
    sendJson(response, await jobs.results({ ...wanted, ...present(pagingOf(query)) }));
    return;
  }
  if (format !== 'ndjson' && format !== 'csv') throw invalidInput('format', 'Give json, ndjson or csv.');
  const items = flattened(await jobs.allResults(wanted));
  await sendStream(request, response, {
    contentType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
    fileName: `${wanted.id}-results.${format}`,
    chunks: format === 'csv' ? csvLines(columns, cellsOf(items)) : ndjsonLines(items),
  });
};

async function* flattened<T>(pages: AsyncIterable<readonly T[]>): AsyncGenerator<T> {
  for await (const page of pages) yield* page;
}

const columns: readonly Column[] = [
  ...['index', 'line'].map((name) => ({ name, text: false })),
  { name: 'target', text: true },
  ...['outcome', 'code', 'path'].map((name) => ({ name, text: false })),
  { name: 'message', text: true },
  { name: 'positions', text: false },
];

async function* cellsOf(items: AsyncIterable<ItemResult>): AsyncGenerator<Readonly<Record<string, unknown>>> {
  for await (const item of items) yield { ...item, positions: item.positions.join(' ') };
}
