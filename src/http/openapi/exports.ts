/** What OpenAPI says about exports. */
import { unfinishedMax } from '../../workers/exports/accepting.ts';
import { escapes, exportFormats } from '../../workers/exports/request.ts';
import type { Operation } from '../route.ts';
import { idempotencyKey, path, query } from './parts.ts';
import { arrayOf, json, object, pageOf, ref, text, whole } from './schemas.ts';

const shared = { tag: 'Exports', permission: 'exports:run' };
const base = '/internal/v1/exports';
const id = path('id', 'The export’s id.');

export const exportTypes = {
  csv: 'text/csv',
  ndjson: 'application/x-ndjson',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const;

const binary = { schema: { type: 'string', format: 'binary' } };
const one = { status: 200, description: 'The export.', content: json(ref('Export')) };
const header = (name: string, description: string) =>
  ({ name, in: 'header', description, schema: text }) as const;

export const operations = {
  start: {
    ...shared,
    method: 'post',
    path: base,
    operationId: 'startExport',
    summary: 'Write the rows of a projection to a file, as a job',
    description: `All rows are of one moment, in the order of their keys. Needs what reading the fields needs; fields about people, named or filtered by, need \`exports:personal\` too. One caller has at most ${unfinishedMax} that are not done.`,
    parameters: [idempotencyKey],
    body: {
      required: true,
      content: json(
        object(
          {
            query: { ...text, description: 'A projection, as in its path: `accounts`.' },
            where: { type: 'object', description: 'The query filters as JSON; without it every row.' },
            format: { enum: exportFormats },
            escape: {
              enum: escapes,
              description:
                "With `csv`: `people` (unless told) puts a `'` before text that a spreadsheet would run as a formula; `raw` leaves it.",
            },
            fields: { ...arrayOf(text), description: 'Without it all that are shown unasked.' },
            label: text,
            asOf: {
              oneOf: [text, whole],
              description: 'A time or a position; without it the moment when it begins.',
            },
          },
          ['where', 'escape', 'fields', 'label', 'asOf'],
        ),
        { query: 'accounts', where: { status: 'active' }, format: 'csv', fields: ['accountId', 'plan'] },
      ),
    },
    answers: [
      {
        status: 202,
        description:
          'The export, accepted. A replay answers the export that the same request started before.',
        content: json(ref('Export')),
        headers: ['Location', 'Idempotent-Replayed'],
      },
    ],
    codes: [
      'malformed_request',
      'not_permitted',
      'too_large',
      'unsupported_media_type',
      'invalid_input',
      'too_many_requests',
      'idempotency_in_flight',
      'idempotency_key_reused',
    ],
  },
  list: {
    ...shared,
    method: 'get',
    path: base,
    operationId: 'listExports',
    summary: 'Exports, newest first: one’s own, or everybody’s with `exports:read-all`',
    parameters: [
      query('state', text, 'One or more states, separated by commas.'),
      query('limit', whole, '50 unless told; at most 200.'),
      query('cursor', text, 'From `nextCursor`.'),
    ],
    answers: [{ status: 200, description: 'A page of exports.', content: json(pageOf(ref('Export'))) }],
    codes: ['malformed_request', 'not_permitted', 'invalid_input'],
  },
  get: {
    ...shared,
    method: 'get',
    path: `${base}/{id}`,
    operationId: 'getExport',
    summary: 'One export',
    parameters: [id],
    answers: [one],
    codes: ['not_permitted', 'not_found'],
  },
  file: {
    ...shared,
    method: 'get',
    path: `${base}/{id}/file`,
    operationId: 'downloadExport',
    summary: 'Download the file of an export, or a part of it',
    description:
      'For its owner or a holder of `exports:read-all` who may read all of it at this moment. Every download is recorded before it is sent. Of several ranges none is heeded: the whole is sent.',
    parameters: [
      id,
      header('Range', 'One range of bytes, `bytes=0-1023`.'),
      header('If-Range', 'An `ETag`: the range counts only while the file is that one.'),
      header('If-None-Match', 'An `ETag`: 304 while the file is that one.'),
    ],
    answers: [
      {
        status: 200,
        description: 'The file.',
        content: Object.fromEntries(Object.values(exportTypes).map((type) => [type, binary])),
        headers: ['ETag'],
      },
      { status: 206, description: 'The part that was asked for.', headers: ['ETag'] },
      { status: 304, description: 'The caller has it.', headers: ['ETag'] },
    ],
    codes: ['not_permitted', 'not_found', 'rejected', 'export_expired', 'range_not_satisfiable'],
  },
  cancel: {
    ...shared,
    method: 'post',
    path: `${base}/{id}/cancel`,
    operationId: 'cancelExport',
    summary: 'Cancel an export that is not done',
    parameters: [id],
    answers: [one],
    codes: ['not_permitted', 'not_found', 'rejected'],
  },
  remove: {
    ...shared,
    method: 'delete',
    path: `${base}/{id}`,
    operationId: 'removeExport',
    summary: 'Destroy the file of an export, and its key, before its time',
    parameters: [id],
    answers: [one],
    codes: ['not_permitted', 'not_found', 'rejected'],
  },
} as const satisfies Record<string, Operation>;
