/** What OpenAPI says about bulk jobs. */

import type { ErrorCode } from '../../errors.ts';
import { outcomes } from '../../workers/request.ts';
import { itemsMax, uploadBytesMax } from '../../workers/sources/source.ts';
import type { Answer, Operation } from '../route.ts';
import { conduct, conductNames, conductQuery } from './bulk-conduct.ts';
import { correctionQuery, retryBody } from './bulk-retry.ts';
import { idempotencyKey, path, query, reason, reference } from './parts.ts';
import { arrayOf, flag, json, object, pageOf, ref, text, whole } from './schemas.ts';

const shared = { tag: 'Bulk jobs' };
const base = '/internal/v1/bulk-jobs';
const id = path('id', 'The job’s id.');

const accepted: Answer = {
  status: 202,
  description: 'The job, accepted. A replay answers the job that the same request started before.',
  content: json(ref('Job')),
  headers: ['Location', 'Quarterdeck-Position', 'Idempotent-Replayed'],
};

const starting: readonly ErrorCode[] = [
  'malformed_request',
  'not_permitted',
  'not_found',
  'rejected',
  'idempotency_in_flight',
  'too_large',
  'unsupported_media_type',
  'invalid_input',
  'idempotency_key_reused',
  'reason_required',
  'reauthentication_required',
  'projection_behind',
];

const body = object(
  {
    command: { ...text, description: 'A command that runs in bulk; or give `from`.' },
    input: { type: 'object', description: 'The input that all items share.' },
    targets: { ...arrayOf(text), description: 'Ids; or give `where`.' },
    where: { type: 'object', description: 'The query filters as JSON; evaluated when the job is accepted.' },
    dryRun: flag,
    label: text,
    expectedCount: { ...whole, description: 'Refused unless exactly so many items are meant.' },
    ...conduct,
    from: {
      ...text,
      description: 'The id of a dry run that has ended: its frozen items and input are run for real.',
    },
    evenIfChanged: {
      ...flag,
      description:
        'With `from`: also items whose stream was changed since, which are else `skipped` with `changed_since_preview`.',
    },
  },
  [
    ...['command', 'from', 'evenIfChanged', 'input', 'targets', 'where', 'dryRun', 'label', 'expectedCount'],
    ...conductNames,
  ],
);

const steered = [id, idempotencyKey, reason, reference];

const steer = (verb: string, operationId: string, summary: string): Operation => ({
  ...shared,
  method: 'post',
  path: `${base}/{id}/${verb}`,
  operationId,
  summary,
  permission: 'bulk:run',
  parameters: steered,
  answers: [{ status: 200, description: 'The job.', content: json(ref('Job')) }],
  codes: ['malformed_request', 'not_permitted', 'not_found', 'rejected', 'invalid_input', 'reason_required'],
});

const retryFailed = steer(
  'retry-failed',
  'retryFailedItems',
  'Start a new job over the items that failed or were rejected, as given or corrected',
);

const undo: Operation = {
  ...retryFailed,
  path: `${base}/{id}/undo`,
  operationId: 'undoBulkJob',
  summary: 'Undo what a job did, by a job of its own',
  description:
    'Runs the inverse of the command on every item that succeeded. What was touched since is `skipped` with `changed_since`; what cannot be put back, with `irreversible`. Needs the permission of the inverse command too.',
  body: {
    required: false,
    content: json(
      object({ dryRun: flag, label: text, expectedCount: whole, ...conduct }, [
        ...['dryRun', 'label', 'expectedCount'],
        ...conductNames,
      ]),
      { dryRun: true },
    ),
  },
  answers: [accepted],
  codes: [...starting.filter((code) => code !== 'projection_behind'), 'results_expired'],
};

export const operations = {
  start: {
    ...shared,
    method: 'post',
    path: base,
    operationId: 'startBulkJob',
    summary: 'Start a bulk job on targets, a filter or an upload',
    permission: 'bulk:run',
    parameters: [
      idempotencyKey,
      reason,
      reference,
      query('command', text, 'With an upload: the command.'),
      query(
        'map',
        text,
        'With CSV or a workbook: JSON, input field to column, `{"accountId": "customerID"}`.',
      ),
      query('input', text, 'With an upload: JSON of fields that all rows share.'),
      query(
        'encoding',
        { enum: ['utf-8', 'utf-16le', 'utf-16be', 'windows-1252'] },
        'With CSV or NDJSON: UTF-8 unless told here, by `charset` or a byte order mark.',
      ),
      query(
        'delimiter',
        { enum: ['comma', 'semicolon', 'tab'] },
        'With CSV: found in the first row unless told.',
      ),
      query(
        'decimal',
        { enum: ['point', 'comma'] },
        'With CSV: how numbers are written; with a point unless told.',
      ),
      query('sheet', text, 'With a workbook: the name of its sheet; the first one unless told.'),
      query('label', text, 'With an upload: as in the body.'),
      query('dryRun', flag, 'With an upload: as in the body.'),
      query('expectedCount', whole, 'With an upload: as in the body.'),
      ...conductQuery,
    ],
    body: {
      required: true,
      description: `An upload is one input a row, read as it arrives: at most ${itemsMax} rows and ${uploadBytesMax} bytes.`,
      content: {
        ...json(body, {
          command: 'suspend-account',
          where: { contract: 'month-to-month' },
          input: { reason: 'review' },
        }),
        'text/csv': { schema: text },
        'application/x-ndjson': { schema: text },
        'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': {
          schema: { type: 'string', format: 'binary' },
        },
      },
    },
    answers: [accepted],
    codes: starting,
  },
  list: {
    ...shared,
    method: 'get',
    path: base,
    operationId: 'listBulkJobs',
    summary: 'Bulk jobs, newest first',
    permission: 'bulk:read',
    parameters: [
      query('state', text, 'One or more states, separated by commas.'),
      query('command', text, 'Of this command only.'),
      query('limit', whole, '50 unless told; at most 200.'),
      query('cursor', text, 'From `nextCursor`.'),
    ],
    answers: [{ status: 200, description: 'A page of jobs.', content: json(pageOf(ref('Job'))) }],
    codes: ['not_permitted', 'invalid_input'],
  },
  get: {
    ...shared,
    method: 'get',
    path: `${base}/{id}`,
    operationId: 'getBulkJob',
    summary: 'One bulk job',
    permission: 'bulk:read',
    parameters: [id],
    answers: [{ status: 200, description: 'The job.', content: json(ref('Job')) }],
    codes: ['not_permitted', 'not_found'],
  },
  results: {
    ...shared,
    method: 'get',
    path: `${base}/{id}/results`,
    operationId: 'bulkJobResults',
    summary: 'What became of each item',
    permission: 'bulk:read',
    parameters: [
      id,
      query('outcome', { enum: outcomes }, 'Only these.'),
      query('format', { enum: ['json', 'ndjson', 'csv'] }, 'A page of JSON, or all of it as a stream.'),
      query('limit', whole, '100 unless told; at most 1,000. Of a page only.'),
      query(
        'cursor',
        text,
        'The index of the last item seen. While the job runs, what is decided behind it is left out.',
      ),
    ],
    answers: [
      {
        status: 200,
        description: 'A page, or everything decided so far.',
        content: {
          ...json(pageOf(ref('ItemResult'))),
          'application/x-ndjson': { schema: ref('ItemResult') },
          'text/csv': { schema: text },
        },
      },
    ],
    codes: ['not_permitted', 'not_found', 'results_expired', 'invalid_input'],
  },
  preview: {
    ...shared,
    method: 'get',
    path: `${base}/{id}/preview`,
    operationId: 'previewBulkJob',
    summary: 'What a dry run found: events and codes by number, and a sample of diffs',
    permission: 'bulk:read',
    parameters: [id],
    answers: [{ status: 200, description: 'So far, while it runs.', content: json(ref('Preview')) }],
    codes: ['not_permitted', 'not_found', 'rejected', 'invalid_input'],
  },
  pause: steer('pause', 'pauseBulkJob', 'Pause a job: nothing more is committed once this has answered'),
  resume: steer('resume', 'resumeBulkJob', 'Go on with a paused job'),
  cancel: steer('cancel', 'cancelBulkJob', 'Cancel a job: nothing is committed after it'),
  retryFailed: {
    ...retryFailed,
    parameters: [...steered, ...correctionQuery],
    body: retryBody,
    answers: [accepted],
    codes: [...starting, 'results_expired'],
  },
  undo,
} as const satisfies Record<string, Operation>;
