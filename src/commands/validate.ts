/**
 * Validates an input by its command's schema. Every problem is told at once, each with the path of the
 * field and what would be right; an input too large for that is not looked at.
 */
import type { z } from 'zod';
import type { FieldError } from '../errors.ts';
import type { EventData } from '../events/definition.ts';
import { holdsTooMany, inputValuesMax } from '../events/sound-json.ts';
import type { CommandDefinition } from './definition.ts';

export type Validated =
  | { readonly ok: true; readonly input: EventData }
  | { readonly ok: false; readonly errors: readonly FieldError[] };

export const validateInput = (command: CommandDefinition, raw: unknown): Validated => {
  if (holdsTooMany(raw)) return { ok: false, errors: [overfull] };
  const parsed = command.input.safeParse(raw, { error: missingToldSo });
  if (parsed.success) return { ok: true, input: parsed.data };
  return { ok: false, errors: parsed.error.issues.flatMap((issue) => fieldErrors(issue, command)) };
};

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  array: 'a list',
  object: 'an object',
};

/** What zod says of a field that is not there tells of types, not of what to do. undefined: zod's own words. */
export const missingToldSo = ({ code, input, expected }: z.core.$ZodRawIssue): string | undefined =>
  code === 'invalid_type' && input === undefined
    ? `is missing; give ${kinds[String(expected)] ?? `a ${String(expected)}`}`
    : undefined;

const overfull: FieldError = {
  path: '',
  message: `holds more than ${inputValuesMax} values; send less at once, or as a bulk job`,
};

const fieldErrors = (issue: z.core.$ZodIssue, command: CommandDefinition): FieldError[] => {
  const path = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  const known = Object.keys(command.input.shape).join(', ');
  return issue.keys.map((key) => ({
    path: path === '' ? key : `${path}.${key}`,
    message: `There is no such field; the fields of ${command.name} are ${known}.`,
  }));
};
