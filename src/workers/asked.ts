/**
 * What a request asks for, read strictly: every wrong field is told with its path and what would be
 * right, before anything is stored.
 */
import { z } from 'zod';
import type { Catalogue } from '../commands/catalogue.ts';
import type { CommandDefinition } from '../commands/definition.ts';
import { type Given, missingNeed } from '../commands/refusals.ts';
import { validateInput } from '../commands/validate.ts';
import { type FieldError, invalidInput, QuarterdeckError } from '../errors.ts';
import type { EventData } from '../events/definition.ts';
import { jsonFault } from '../events/sound-json.ts';
import type { Delimiter } from './sources/csv.ts';
import { encodingOf, encodingsSaid } from './sources/encodings.ts';
import { type Decimal, fieldsOf } from './sources/fields.ts';

const label = 'Give text of at most 200 characters.';
const count = 'Give a whole number, 0 or more.';
const where = 'Give an object of fields, like {"status": "active"}.';
const map = 'Give an object from fields to columns, like {"accountId": "customerID"}.';

const common = {
  command: z.string('Give the name of a command that runs in bulk.'),
  input: z.record(z.string(), z.unknown(), 'Give an object of the fields that all items share.').default({}),
  dryRun: z.boolean('Give true or false.').default(false),
  label: z.string(label).max(200, label).optional(),
  expectedCount: z.int(count).nonnegative(count).optional(),
};

const bodySchema = z.strictObject({
  ...common,
  targets: z.array(z.string('Give an id as text.'), 'Give a list of ids.').optional(),
  where: z.record(z.string(), z.unknown(), where).optional(),
});

const delimiters: Readonly<Record<string, Delimiter>> = {
  comma: 'comma',
  semicolon: 'semicolon',
  tab: 'tab',
  ',': 'comma',
  ';': 'semicolon',
  '\t': 'tab',
};

const uploadSchema = z.strictObject({
  ...common,
  map: z.record(z.string(), z.string('Give the name of a column.'), map).optional(),
  encoding: z
    .string()
    .refine((label) => encodingOf(label) !== undefined, `Give ${encodingsSaid}.`)
    .optional(),
  delimiter: z
    .string()
    .refine((said) => Object.hasOwn(delimiters, said), 'Give comma, semicolon or tab.')
    .transform((said) => delimiters[said])
    .optional(),
  decimal: z.enum(['point', 'comma'], 'Give point or comma.').optional(),
  sheet: z.string().min(1, 'Give the name of a sheet.').optional(),
});

export interface Asked {
  readonly command: string;
  readonly input: EventData;
  readonly dryRun: boolean;
  readonly label?: string | undefined;
  readonly expectedCount?: number | undefined;
}

export interface AskedByBody extends Asked {
  readonly targets?: readonly string[] | undefined;
  readonly where?: EventData | undefined;
}

export interface AskedByUpload extends Asked {
  readonly map?: Readonly<Record<string, string>> | undefined;
  /** A label that `encodingOf` knows. */
  readonly encoding?: string | undefined;
  readonly delimiter?: Delimiter | undefined;
  readonly decimal?: Decimal | undefined;
  /** Of a workbook. */
  readonly sheet?: string | undefined;
}

const check = <S extends z.ZodObject>(schema: S, value: unknown): z.output<S> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): FieldError[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: key,
          message: `There is no such field; the fields are ${Object.keys(schema.shape).join(', ')}.`,
        }))
      : [{ path: issue.path.map(String).join('.'), message: issue.message }],
  );
  throw new QuarterdeckError('invalid_input', 'The bulk job is not valid.', { errors });
};

export const readBody = (body: unknown): AskedByBody => {
  const asked = check(bodySchema, body);
  if (asked.targets !== undefined && asked.where !== undefined) {
    throw invalidInput('where', 'Give either targets or where, not both.');
  }
  if (asked.targets === undefined && asked.where === undefined) {
    throw invalidInput(
      'targets',
      'Give targets (a list of ids) or where (a filter), or upload CSV, NDJSON or a workbook.',
    );
  }
  return asked;
};

/** Query parameters are texts: those that are not are read as JSON, or as their own kind. */
export const readUploadQuery = (query: Readonly<Record<string, string>>): AskedByUpload => {
  const value: Record<string, unknown> = { ...query };
  for (const name of ['map', 'input'] as const)
    if (query[name] !== undefined) value[name] = parseJson(name, query[name]);
  if (query.dryRun !== undefined) value.dryRun = flagOf(query.dryRun);
  if (query.expectedCount !== undefined && /^\d{1,9}$/.test(query.expectedCount)) {
    value.expectedCount = Number(query.expectedCount);
  }
  return check(uploadSchema, value);
};

const flagOf = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : text);

const parseJson = (name: string, text: string): unknown => {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    throw invalidInput(name, `Give ${name} as a JSON object, percent-encoded.`);
  }
  const fault = jsonFault(value, name);
  if (fault !== undefined) throw invalidInput(fault.path, fault.message);
  return value;
};

export type BulkCommand = CommandDefinition & { readonly bulk: { readonly field: string } };

export const isBulk = (command: CommandDefinition): command is BulkCommand => command.bulk !== undefined;

export const bulkCommand = (catalogue: Catalogue, name: string): BulkCommand => {
  const command = catalogue.find(name);
  if (command === undefined) {
    throw invalidInput(
      'command',
      `There is no command "${name.slice(0, 100)}". See the catalogue of commands.`,
    );
  }
  if (isBulk(command)) return command;
  const names = catalogue.all.filter(isBulk).map((c) => c.name);
  throw invalidInput('command', `${command.name} does not run in bulk; these do: ${names.join(', ')}.`);
};

/** What all items have in common is refused as a whole rather than item by item. */
export const requireCommonInput = (command: BulkCommand, input: EventData, targets: 'ids' | 'rows'): void => {
  const { field } = command.bulk;
  const probe = targets === 'ids' ? { ...input, [field]: 'a' } : input;
  const validated = validateInput(command, probe);
  if (validated.ok) return;
  const concerns = ({ path }: FieldError): boolean => {
    const root = path.split('.')[0] ?? '';
    return root !== field && (targets === 'ids' || root in input);
  };
  const errors = validated.errors.filter(concerns).map((e) => ({ ...e, path: `input.${e.path}` }));
  if (errors.length > 0)
    throw new QuarterdeckError('invalid_input', 'The common input is not valid.', { errors });
};

/**
 * A command that wants to know why or by which ticket is told once for the job, or by each row; whether the
 * sign-in is fresh enough is asked now, when the job is accepted, and not again while it runs.
 */
export const requireNeeds = (
  command: CommandDefinition,
  { input, ...given }: Given & { readonly input: EventData },
  rows: boolean,
): void => {
  const own = typeof input.reason === 'string' ? input.reason : undefined;
  const byRow = rows && fieldsOf(command).has('reason') ? '' : undefined;
  const missing = missingNeed(command, { ...given, reason: given.reason ?? own ?? byRow });
  if (missing !== undefined) throw missing;
};
