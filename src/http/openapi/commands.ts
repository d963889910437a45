/** What OpenAPI says about commands: one operation per definition, and the catalogue. */
import type { CommandDefinition } from '../../commands/definition.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Operation } from '../route.ts';
import { exampleOf } from './example.ts';
import { idempotencyKey, ifMatch, path, query, reason, reference } from './parts.ts';
import { arrayOf, flag, json, jsonSchemaOf, object, ref } from './schemas.ts';

const codes: readonly ErrorCode[] = [
  'malformed_request',
  'not_permitted',
  'not_found',
  'rejected',
  'idempotency_in_flight',
  'version_conflict',
  'too_large',
  'unsupported_media_type',
  'invalid_input',
  'idempotency_key_reused',
  'reason_required',
  'reauthentication_required',
];

const shared = {
  method: 'post',
  tag: 'Commands',
  answers: [
    {
      status: 200,
      description: 'Done; `events` is empty where nothing had to change. With `dryRun`, what would happen.',
      content: json({ oneOf: [ref('CommandDone'), ref('DryRunDone')] }),
      headers: ['Quarterdeck-Position', 'ETag', 'Idempotent-Replayed'],
    },
  ],
  codes,
} satisfies Partial<Operation>;

const headers = [
  idempotencyKey,
  ifMatch,
  reason,
  reference,
  query('dryRun', flag, 'Decides, shows events and diff, and stores nothing.'),
];

/** The route itself; the document shows one operation per command in its stead. */
export const commandOperation: Operation = {
  ...shared,
  path: '/internal/v1/commands/{name}',
  operationId: 'executeCommand',
  summary: 'Execute a command',
  parameters: [path('name', 'The command’s name.'), ...headers],
  body: { required: true, content: json({ type: 'object' }) },
};

export const commandOperationOf = (definition: CommandDefinition): Operation => ({
  ...shared,
  path: `/internal/v1/commands/${definition.name}`,
  operationId: camelCase(definition.name),
  summary: definition.summary,
  permission: definition.permission,
  parameters: headers.map((parameter) =>
    parameter === reference && definition.needs.reference === true
      ? { ...parameter, required: true }
      : parameter,
  ),
  body: {
    required: true,
    content: json(jsonSchemaOf(definition.input, 'input'), checkedExample(definition)),
  },
  notes: {
    'x-stream': definition.stream.of('{id}'),
    ...(definition.bulk === undefined ? {} : { 'x-bulk-field': definition.bulk.field }),
    ...(definition.inverse === undefined ? {} : { 'x-inverse': definition.inverse.command }),
    ...(definition.irreversible === undefined ? {} : { 'x-irreversible': definition.irreversible }),
    ...(definition.needs.reason === true ? { 'x-reason-required': true } : {}),
    ...(definition.needs.freshSignInMinutes === undefined
      ? {}
      : { 'x-fresh-sign-in-minutes': definition.needs.freshSignInMinutes }),
    ...(definition.needs.approval === true ? { 'x-approval-required': true } : {}),
    ...(definition.personal.length === 0 ? {} : { 'x-personal': definition.personal }),
  },
});

/** An example is shown only if the command would really take it. */
const checkedExample = ({ input }: CommandDefinition): unknown => {
  const example = exampleOf(jsonSchemaOf(input, 'input'));
  return input.safeParse(example).success ? example : undefined;
};

const camelCase = (name: string): string =>
  name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

export const catalogueOperation: Operation = {
  method: 'get',
  path: '/internal/v1/commands',
  operationId: 'listCommands',
  tag: 'Commands',
  summary: 'The catalogue: every command, its input and whether you may give it',
  answers: [
    {
      status: 200,
      description: 'The catalogue.',
      content: json(object({ data: arrayOf(ref('CatalogueEntry')) })),
    },
  ],
  codes: ['invalid_input'],
};
