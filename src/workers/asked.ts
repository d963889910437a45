/**
 * What a request asks for, read strictly: every wrong field is told with its path and what would be
 * right, before anything is stored.
 */
import { z } from 'zod';
import type { Catalogue } from '../commands/catalogue.ts';
import type { CommandDefinition } from '../commands/definition.ts';
import { type Given, missingNeed } from '../commands/refusals.ts';
import { missingToldSo, validateInput } from '../commands/validate.ts';
import { type FieldError, fieldErrorsMax, invalidInput, QuarterdeckError } from '../errors.ts';
import type { EventData } from '../events/definition.ts';
import { holdsTooMany, inputValuesMax, jsonFault, textFault } from '../events/sound-json.ts';
import { type Conduct, conductShape, numbersIn } from './conduct.ts';
import { type AskedReading, readingShape } from './sources/asked-reading.ts';
import { fieldsOf } from './sources/fields.ts';

const label = 'Give text of at most 200 characters.';
const count = 'Give a whole number, 0 or more.';
const where = 'Give an object of fields, like {"status": "active"}.';

export const common = {
  command: z.string('Give the name of a command that runs in bulk.'),
  input: z.record(z.string(), z.unknown(), 'Give an object of the fields that all items share.').default({}),
  dryRun: z.boolean('Give true or false.').default(false),
  label: z.string(label).max(200, label).optional(),
  expectedCount: z.int(count).nonnegative(count).optional(),
  ...conductShape,
};

/** A list of any length, of whose faults no more are made than can be told. */
const ids = z.custom<readonly string[]>(Array.isArray, 'Give a list of ids.').superRefine((list, context) => {
  const issue = (message: string, path: number[] = []) => context.addIssue({ code: 'custom', path, message });
  let faults = 0;
  list.forEach((id, n) => {
    if (typeof id === 'string') return;
    faults++;
    if (faults < fieldErrorsMax) issue('Give an id as text.', [n]);
  });
  if (faults >= fieldErrorsMax) issue(`${faults - fieldErrorsMax + 1} more of them are no text.`);
});

const bodySchema = z.strictObject({
  ...common,
  targets: ids.optional(),
  where: z.record(z.string(), z.unknown(), where).optional(),
});

const even = 'Give true to run items that were changed since too, or false.';

const fromSchema = z.strictObject({
  from: z
    .string('Give the id of a dry run.')
    .min(1, 'Give the id of a dry run.')
    .max(100, 'Give the id of a dry run.'),
  evenIfChanged: z.boolean(even).default(false),
  label: common.label,
  expectedCount: common.expectedCount,
  ...conductShape,
});

const uploadSchema = z.strictObject({
  ...common,
  ...readingShape,
});

export interface Asked extends Conduct {
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

export type AskedByUpload = Asked & AskedReading;

/** What a dry run looked at, to be run for real. */
export interface AskedFrom extends Conduct {
  readonly from: string;
  /** Items whose stream was changed since too. */
  readonly evenIfChanged: boolean;
  readonly label?: string | undefined;
  readonly expectedCount?: number | undefined;
}

/** Without what may be of any length, and is read by rules of its own. */
const besideLists = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null) return value;
  const { targets: _t, where: _w, ...rest } = value as Readonly<Record<string, unknown>>;
  return rest;
};

/** @throws QuarterdeckError invalid_input with every field that is wrong. */
export const checkAsked = <S extends z.ZodObject>(
  schema: S,
  value: unknown,
  refusal = 'The bulk job is not valid.',
): z.output<S> => {
  if (holdsTooMany(besideLists(value)))
    throw invalidInput('', `Beside targets and where a job holds at most ${inputValuesMax} values.`);
  const parsed = schema.safeParse(value, { error: missingToldSo });
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.flatMap((issue): FieldError[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          path: key,
          message: `There is no such field; the fields are ${Object.keys(schema.shape).join(', ')}.`,
        }))
      : [{ path: issue.path.map(String).join('.'), message: issue.message }],
  );
  throw new QuarterdeckError('invalid_input', refusal, { errors });
};

export const invalidFrom = (message: string): QuarterdeckError => invalidInput('from', message);

/** undefined: the body names no dry run. */
export const readFrom = (body: unknown): AskedFrom | undefined => {
  if (typeof body !== 'object' || body === null || !('from' in body)) return undefined;
  const asked = checkAsked(fromSchema, body);
  const fault = textFault(asked.from);
  if (fault !== undefined) throw invalidFrom('Give the id of a dry run.');
  return asked;
};

export const readBody = (body: unknown): AskedByBody => {
  const asked = checkAsked(bodySchema, body);
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
  const value: Record<string, unknown> = { ...parseMembers(query, ['map', 'input']), ...numbersIn(query) };
  if (query.dryRun !== undefined) value.dryRun = flagOf(query.dryRun);
  if (query.expectedCount !== undefined && /^\d{1,9}$/.test(query.expectedCount)) {
    value.expectedCount = Number(query.expectedCount);
  }
  return checkAsked(uploadSchema, value);
};

/** With those members that are JSON parsed. */
export const parseMembers = (
  query: Readonly<Record<string, string>>,
  names: readonly string[],
): EventData => ({
  ...query,
  ...Object.fromEntries(
    names.flatMap((name) => (query[name] === undefined ? [] : [[name, parseJson(name, query[name])]])),
  ),
});

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
