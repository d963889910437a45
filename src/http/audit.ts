/**
 * The audit log over HTTP: events by filter, as pages and as streams of all of them, and the states of
 * one stream. Who may look, and that it is recorded, is the concern of `Audit`.
 */
import type { Request, Response } from 'express';
import type { Audit, EventExport, EventFilter } from '../audit/request.ts';
import type { RecordedEvent } from '../events/envelope.ts';
import { sendJson, setPosition } from './answer.ts';
import { originOf } from './caller.ts';
import { type Column, csvLines } from './csv.ts';
import { operations } from './openapi/audit.ts';
import { oneOf, pathParameter, queryOf, requireKnown, wholeNumberOf } from './parameters.ts';
import { present } from './present.ts';
import type { Route } from './route.ts';
import { ndjsonLines, sendStream } from './streaming.ts';

const filters = [
  ...['stream', 'actor', 'type', 'command', 'tool', 'about', 'outcome', 'reason', 'correlation'],
  ...['bulkJob', 'commandId', 'session', 'from', 'to'],
];
const order = ['after', 'order'];

export const auditRoutes = (audit: Audit): readonly Route[] => [
  {
    ...operations.search,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, [...filters, ...order, 'limit']);
      const limit = wholeNumberOf(query, 'limit', 1);
      const page = await audit.search({ ...askedOf(query, response), ...present({ limit }) });
      setPosition(response, page.position);
      sendJson(response, page);
    },
  },
  { ...operations.ndjson, handle: (request, response) => exported(audit, 'ndjson', request, response) },
  { ...operations.csv, handle: (request, response) => exported(audit, 'csv', request, response) },
  {
    ...operations.replay,
    handle: async (request, response) => {
      const query = queryOf(request);
      requireKnown(query, ['at']);
      const stream = pathParameter(request, 'stream');
      sendJson(
        response,
        await audit.replay({ ...originOf(response), stream, ...present({ at: oneOf(query, 'at') }) }),
      );
    },
  },
];

const askedOf = (query: URLSearchParams, response: Response) => {
  const filter: EventFilter = present(Object.fromEntries(filters.map((name) => [name, oneOf(query, name)])));
  const place = present({ after: oneOf(query, 'after'), order: oneOf(query, 'order') });
  return { ...originOf(response), filter, ...place };
};

const exported = async (
  audit: Audit,
  format: 'ndjson' | 'csv',
  request: Request,
  response: Response,
): Promise<void> => {
  const query = queryOf(request);
  requireKnown(query, [...filters, ...order]);
  const { position, events } = await audit.exportEvents({ ...askedOf(query, response), format });
  await sendStream(request, response, {
    contentType: format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
    fileName: `events.${format}`,
    headers: { 'Quarterdeck-Position': String(position) },
    chunks: format === 'csv' ? csvLines(columns, cellsOf(events)) : ndjsonLines(events),
  });
};

const columns: readonly Column[] = [
  ...['position', 'id', 'stream', 'version', 'type', 'schemaVersion', 'recordedAt'],
  ...['actor', 'tool', 'command', 'commandId', 'correlationId'],
]
  .map((name) => ({ name, text: false }))
  .concat(['email', 'reason', 'reference', 'data', 'metadata'].map((name) => ({ name, text: true })));

async function* cellsOf(events: EventExport['events']): AsyncGenerator<Readonly<Record<string, unknown>>> {
  for await (const event of events) yield cellsOfEvent(event);
}

/** What one filters a sheet by has a column of its own; the rest is JSON. */
const cellsOfEvent = (event: RecordedEvent): Readonly<Record<string, unknown>> => ({
  ...event.metadata,
  ...event,
  actor: event.metadata.actor.id,
});
