/** What OpenAPI says about the audit log. */
import type { ErrorCode } from '../../errors.ts';
import type { Operation, Parameter } from '../route.ts';
import { path, query } from './parts.ts';
import { json, pageOf, ref, text, time, whole } from './schemas.ts';

const base = '/internal/v1/audit';
const shared = { tag: 'Audit', method: 'get' } as const;
const codes: readonly ErrorCode[] = ['malformed_request', 'not_permitted', 'invalid_input'];

const filters: readonly Parameter[] = [
  query('stream', text, 'Of this stream: `account-7590-VHVEG`.'),
  query(
    'actor',
    text,
    'By this actor: the opaque id. E-mail addresses are encrypted and cannot be searched.',
  ),
  query('type', text, 'Of this type.'),
  query('command', text, 'Of this command.'),
  query('from', time, 'Recorded at this time or later.'),
  query('to', time, 'Recorded at this time or earlier.'),
  query('after', text, 'Behind this position; the `nextCursor` of the page before.'),
];

const streamed = ['Quarterdeck-Position'];

export const operations = {
  search: {
    ...shared,
    path: `${base}/events`,
    operationId: 'auditEvents',
    summary: 'Events by filter, oldest first unless told',
    description:
      'Internal and personal fields are there as far as one may read them in the rows that the events are about.',
    permission: 'audit:read',
    parameters: [
      ...filters,
      query(
        'order',
        { enum: ['oldest', 'newest'] },
        'Which comes first; `nextCursor` goes on in this order.',
      ),
      query('limit', whole, '100 unless told; at most 1,000.'),
    ],
    answers: [
      {
        status: 200,
        description: 'A page of events.',
        content: json(pageOf(ref('Event'))),
        headers: streamed,
      },
    ],
    codes,
  },
  ndjson: {
    ...shared,
    path: `${base}/events.ndjson`,
    operationId: 'exportAuditEventsNdjson',
    summary: 'All events of a filter, one JSON object a line; recorded before the first is sent',
    permission: 'audit:export',
    parameters: filters,
    answers: [
      {
        status: 200,
        description: 'Every event.',
        content: { 'application/x-ndjson': { schema: ref('Event') } },
        headers: streamed,
      },
    ],
    codes,
  },
  csv: {
    ...shared,
    path: `${base}/events.csv`,
    operationId: 'exportAuditEventsCsv',
    summary: 'All events of a filter as CSV; recorded before the first is sent',
    permission: 'audit:export',
    parameters: filters,
    answers: [
      {
        status: 200,
        description: 'Every event.',
        content: { 'text/csv': { schema: text } },
        headers: streamed,
      },
    ],
    codes,
  },
  replay: {
    ...shared,
    path: `${base}/replay/{stream}`,
    operationId: 'replayStream',
    summary: 'Every state of one stream, with who made it, why, and what changed',
    permission: 'audit:replay',
    parameters: [path('stream', 'The stream’s name.'), query('at', text, 'Up to this time or position.')],
    answers: [{ status: 200, description: 'The states, oldest first.', content: json(ref('Replay')) }],
    codes: [...codes, 'not_found'],
  },
} as const satisfies Record<string, Operation>;
