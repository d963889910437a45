/** What OpenAPI says about the audit log. */
import { outcomes } from '../../audit/index/attributes.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Operation, Parameter } from '../route.ts';
import { path, query } from './parts.ts';
import { arrayOf, json, object, orNull, pageOf, ref, text, time, whole } from './schemas.ts';

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
  query(
    'type',
    text,
    'Of this type: `AccountSuspended`. One that there is not is 422; its `known` lists them.',
  ),
  query('command', text, 'Of this command: `suspend-account`.'),
  query('tool', text, 'Through this tool: `console`.'),
  query(
    'about',
    text,
    'About this: its own stream and whatever refers to it. `account-7590-VHVEG` also finds the account’s invoices, credits, notes and grants, and who read its recorded fields.',
  ),
  query(
    'outcome',
    { type: 'string', enum: outcomes },
    'How it ended. `rejected`: a rule said no; `refused`: the request could not be taken; `denied`: it was not permitted.',
  ),
  query('reason', text, 'With all of these words in its reason, without regard to case, accents and order.'),
  query('correlation', text, 'Of this request or trace, whatever followed from it.'),
  query('bulkJob', text, 'Of this bulk job: its own events and those of its items.'),
  query('commandId', text, 'Of this one execution of a command.'),
  query('session', text, 'In this session of somebody.'),
  query('from', time, 'Recorded at this time or later; not in the future.'),
  query('to', time, 'Recorded at this time or earlier; not in the future.'),
  query('order', { type: 'string', enum: ['oldest', 'newest'] }, 'Which come first; `oldest` unless told.'),
  query(
    'after',
    text,
    'Behind this position in the order asked for; the `nextCursor` of the page before. Not beyond the head.',
  ),
];

const snapshot = object({
  name: text,
  position: whole,
  recordedAt: orNull(time),
  state: { type: 'string', enum: ['building', 'ready'] },
  madeBy: text,
  createdAt: time,
  expiresAt: time,
});

const streamed = ['Quarterdeck-Position'];

export const operations = {
  search: {
    ...shared,
    path: `${base}/events`,
    operationId: 'auditEvents',
    summary: 'Events by filter, oldest or newest first',
    description:
      'Internal and personal fields are there as far as one may read them in the rows that the events are about.',
    permission: 'audit:read',
    parameters: [...filters, query('limit', whole, '100 unless told; at most 1,000.')],
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
  snapshots: {
    ...shared,
    path: `${base}/snapshots`,
    operationId: 'listSnapshots',
    summary: 'Moments whose rows are kept under a name, the newest first',
    description:
      'Built by `quarterdeck replay --at <time or position> --into <name>`; read by `?snapshot=<name>` at every list, row and export.',
    permission: 'audit:replay',
    answers: [
      { status: 200, description: 'The snapshots.', content: json(object({ data: arrayOf(snapshot) })) },
    ],
    codes: ['not_permitted', 'invalid_input'],
  },
  dropSnapshot: {
    tag: 'Audit',
    method: 'delete',
    path: `${base}/snapshots/{name}`,
    operationId: 'dropSnapshot',
    summary: 'Drop a snapshot and its tables; recorded, and for roles that reach every row',
    permission: 'audit:replay',
    parameters: [path('name', 'The snapshot’s name.')],
    answers: [{ status: 204, description: 'It is gone.' }],
    codes: ['not_permitted', 'not_found'],
  },
} as const satisfies Record<string, Operation>;
