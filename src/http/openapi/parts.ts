/**
 * What several operations share: schemas by name, headers, parameters. The contract's words stand here
 * once.
 */
import { errorCodes } from '../../errors.ts';
import { priorities } from '../../workers/conduct.ts';
import { jobStates, outcomes, sources } from '../../workers/request.ts';
import type { JsonSchema, Parameter } from '../route.ts';
import { exportSchema } from './exports-schema.ts';
import { logSchemas } from './log-schemas.ts';
import { previewSchema } from './preview.ts';
import { reactorSchemas } from './reactors-schemas.ts';
import { arrayOf, flag, object, orNull, ref, text, time, whole } from './schemas.ts';

const actorMembers = { id: text, kind: { enum: ['person', 'service', 'system'] } };
const actor = object(actorMembers);

const event = {
  position: whole,
  id: { type: 'string', format: 'uuid' },
  stream: text,
  version: whole,
  type: text,
  schemaVersion: whole,
  recordedAt: time,
  data: { type: 'object' },
  metadata: { type: 'object' },
} satisfies Record<string, JsonSchema>;

const job = {
  id: text,
  command: text,
  label: orNull(text),
  state: { enum: jobStates, description: 'Clients ignore states they do not know.' },
  dryRun: flag,
  requestedBy: object({ ...actorMembers, name: text, email: text }, ['name', 'email']),
  requestedAt: time,
  startedAt: orNull(time),
  finishedAt: orNull(time),
  total: whole,
  ...Object.fromEntries(outcomes.map((outcome) => [outcome, whole])),
  ratePerSecond: orNull({ type: 'number', description: 'Items decided a second.' }),
  etaSeconds: orNull({ type: 'number' }),
  position: { ...whole, description: 'Give it as Quarterdeck-Min-Position to see every effect so far.' },
  source: { enum: sources },
  readAs: {
    ...object({ encoding: text, delimiter: text, decimal: text, sheet: text }, [
      'encoding',
      'delimiter',
      'decimal',
      'sheet',
    ]),
    description: 'With an upload: how it was read.',
  },
  effects: {
    ...object({ pending: whole, applied: whole, notApplied: whole }),
    description:
      'With an effect that is delivered: events whose effect is still to be settled, was applied, will not be. The job completes when all are settled.',
  },
  pausedReason: text,
  where: { type: 'object' },
  reason: { ...text, description: 'Why, as whoever asked for it said.' },
  frozenAt: { ...whole, description: 'With `where`: the position at or beyond which it was evaluated.' },
  retryOf: text,
  priority: { enum: priorities },
  startAt: { ...time, description: 'Until then it is `accepted`.' },
  maxRate: { type: 'number', description: 'Items decided a second at most.' },
  maxFailureRatio: { type: 'number' },
  resultsExpiredAt: { ...time, description: 'Since when results answer 410; counts and the log remain.' },
  from: { ...text, description: 'The dry run whose items this job runs for real.' },
  undoOf: { ...text, description: 'The job that this one undoes.' },
  undoneBy: { ...text, description: 'The job that undoes this one.' },
} satisfies Record<string, JsonSchema>;

export const schemas: Readonly<Record<string, JsonSchema>> = {
  Problem: object(
    {
      type: { type: 'string', format: 'uri-reference' },
      title: text,
      status: { type: 'integer' },
      detail: text,
      code: { enum: errorCodes, description: 'Stable; branch on this.' },
      requestId: text,
      errors: arrayOf(ref('FieldError')),
      rejection: { type: 'string', description: 'With `rejected`: the rule’s own code.' },
      maxAgeSeconds: { ...whole, description: 'With `reauthentication_required`: how old a sign-in may be.' },
      signIn: { type: 'string', description: 'With `reauthentication_required`: where a browser goes.' },
      reauthorize: {
        type: 'object',
        description:
          'With `reauthentication_required` to the bearer of a token: where a tool begins its sign-in anew, and the parameters to add.',
        properties: {
          authorizationEndpoint: text,
          deviceAuthorizationEndpoint: text,
          parameters: { type: 'object', additionalProperties: text },
        },
      },
    },
    ['detail', 'errors', 'rejection', 'maxAgeSeconds', 'signIn', 'reauthorize'],
  ),
  FieldError: object({
    path: { type: 'string', description: 'Dotted, `items.0.name`; empty for the whole.' },
    message: { type: 'string', description: 'What is wrong and what to do instead.' },
  }),
  CommandDone: object({
    commandId: text,
    stream: text,
    version: whole,
    position: { ...whole, description: 'Give it as Quarterdeck-Min-Position to read your own write.' },
    events: arrayOf(object({ type: text, version: whole, position: whole })),
  }),
  DryRunDone: object({
    dryRun: { const: true },
    events: arrayOf(object({ type: text, data: { type: 'object' } })),
    diff: { ...arrayOf({ type: 'object' }), description: 'JSON Patch (RFC 6902) from before to after.' },
  }),
  CatalogueEntry: object({
    name: text,
    summary: text,
    input: { type: 'object', description: 'JSON Schema of the input.' },
    permission: text,
    permitted: flag,
    bulk: orNull(object({ field: text })),
    approval: flag,
    reasonRequired: flag,
    freshSignInMinutes: orNull({ ...whole, description: 'A sign-in may be no older than this.' }),
    inverse: orNull({ ...text, description: 'The command that takes it back: by it a bulk job is undone.' }),
    irreversible: orNull({
      ...text,
      description: 'Why no command takes it back; null where `inverse` does.',
    }),
  }),
  Export: exportSchema,
  Event: object(event),
  Job: object(job, [
    ...['effects', 'pausedReason', 'where', 'frozenAt', 'retryOf', 'readAs'],
    ...['startAt', 'maxRate', 'maxFailureRatio', 'resultsExpiredAt', 'from', 'undoOf', 'undoneBy'],
  ]),
  Preview: previewSchema,
  ItemResult: object(
    {
      index: { ...whole, description: 'From 0, in the order given.' },
      line: { ...whole, description: 'Of the upload, from 1.' },
      target: orNull(text),
      outcome: { enum: outcomes },
      code: {
        type: 'string',
        description: 'The rule’s code, or `invalid_input`, `not_found`, `not_permitted` …',
      },
      message: text,
      path: { type: 'string', description: 'The first field at fault.' },
      errors: arrayOf(ref('FieldError')),
      positions: arrayOf(whole),
      wouldAppend: {
        ...arrayOf(text),
        description: 'In a dry run: types of the events that there would be.',
      },
    },
    ['line', 'code', 'message', 'path', 'errors', 'wouldAppend'],
  ),
  Replay: object({
    stream: text,
    states: arrayOf(
      object({
        version: whole,
        position: whole,
        type: text,
        recordedAt: time,
        actor,
        tool: text,
        command: orNull(text),
        reason: orNull(text),
        reference: orNull(text),
        before: orNull({ type: 'object' }),
        after: orNull({ type: 'object' }),
        diff: { ...arrayOf({ type: 'object' }), description: 'JSON Patch (RFC 6902) from before to after.' },
      }),
    ),
  }),
  Policy: object({
    version: whole,
    position: { ...whole, description: 'At which it came into force.' },
    appliedAt: time,
    appliedBy: actor,
    policy: { type: 'object', description: 'As in the policy file.' },
    diff: { ...arrayOf({ type: 'object' }), description: 'JSON Patch (RFC 6902) from the policy before.' },
  }),
  Me: object({
    principal: { type: 'object' },
    roles: arrayOf(text),
    attributes: { type: 'object', additionalProperties: arrayOf(text) },
    permissions: arrayOf(text),
    tool: text,
  }),
  Session: object(
    {
      id: text,
      personId: text,
      email: text,
      name: text,
      tool: text,
      createdAt: time,
      lastUsedAt: time,
      expiresAt: time,
      ip: { ...text, description: 'Where somebody signed in from.' },
      browser: { ...text, description: 'What their browser calls itself (`User-Agent`).' },
      current: { ...flag, description: 'The one that this request came with.' },
    },
    ['email', 'name', 'ip', 'browser'],
  ),
  ...logSchemas,
  ...reactorSchemas,
  Health: object(
    {
      status: text,
      checks: arrayOf(text),
      missing: arrayOf(object({ name: text, missing: text })),
      warnings: {
        ...arrayOf(object({ name: text, warning: text })),
        description: 'What should be looked at, though the process can do its work.',
      },
    },
    ['checks', 'missing', 'warnings'],
  ),
};

export const headers: Readonly<
  Record<string, { readonly description: string; readonly schema: JsonSchema }>
> = {
  'Quarterdeck-Position': { description: 'The position of the stream’s last event.', schema: whole },
  ETag: { description: 'The version, as a strong entity tag: `"3"`.', schema: text },
  'Idempotent-Replayed': {
    description: '`true` where this answer was given before.',
    schema: { const: 'true' },
  },
  Location: { description: 'Where the job stands.', schema: { type: 'string', format: 'uri-reference' } },
  'Retry-After': { description: 'Seconds.', schema: whole },
};

const header = (name: string, schema: JsonSchema, description: string): Parameter => ({
  name,
  in: 'header',
  description,
  schema,
});

export const idempotencyKey = header(
  'Idempotency-Key',
  { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' },
  'Unique per principal and tool. The same request with the same key takes effect once; kept 7 days.',
);
export const ifMatch = header(
  'If-Match',
  { type: 'string', pattern: '^"(0|[1-9][0-9]*)"$' },
  'The version that the command’s stream must have; `"0"`: it must not exist.',
);
export const reason = header(
  'Quarterdeck-Reason',
  text,
  'Why, as percent-encoded UTF-8. An input’s own `reason` wins.',
);
export const reference = header(
  'Quarterdeck-Reference',
  { type: 'string', maxLength: 100, pattern: '^[^\\s@]+$' },
  'The id of a ticket. It stands in the clear in the log.',
);
export const minPosition = header(
  'Quarterdeck-Min-Position',
  whole,
  'Waits until the answer has reached this position: read your own write.',
);
export const traceparent = header(
  'traceparent',
  text,
  'W3C Trace Context; its trace id becomes the correlation id.',
);

export const query = (name: string, schema: JsonSchema, description: string): Parameter => ({
  name,
  in: 'query',
  description,
  schema,
});

export const path = (name: string, description: string): Parameter => ({
  name,
  in: 'path',
  description,
  schema: text,
  required: true,
});
