/** What stands in a form, and the command input that it means. Pure. */
import { utcOf } from '../parts/written.ts';
import type { Field } from './schema.ts';

export type Values = Readonly<Record<string, string | boolean>>;

/** Ids are given by the caller: a form suggests a fresh one for the thing that it creates. */
export const initialValues = (fields: readonly Field[], fixed: Values = {}): Values =>
  Object.fromEntries(fields.map((field) => [field.name, fixed[field.name] ?? initialOf(field)]));

const initialOf = (field: Field): string | boolean => {
  if (field.kind === 'boolean') return field.initial === true;
  if (field.initial !== undefined && field.initial !== null) return String(field.initial);
  return field.required && createdId.test(field.name) ? crypto.randomUUID() : '';
};

const createdId = /^(invoice|credit|note|grant)Id$/;

/** Fields left empty are left out; what is missing is the server's to say, in its words. */
export const inputOf = (fields: readonly Field[], values: Values): Record<string, unknown> =>
  Object.fromEntries(
    fields
      .map((field) => [field.name, meantBy(field, values[field.name])] as const)
      .filter(([, value]) => value !== undefined),
  );

const meantBy = (field: Field, held: string | boolean | undefined): unknown => {
  if (typeof held === 'boolean') return held || field.required ? held : undefined;
  if (held === undefined || held.trim() === '') return undefined;
  if (field.kind === 'number') return Number.isNaN(Number(held)) ? held : Number(held);
  if (field.kind === 'moment') return utcOf(held) ?? held;
  return field.kind === 'any' ? parsed(held) : held;
};

/** `true`, `12` and `"12"` mean what they mean in JSON; anything else is text. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** One key per attempt: the same input sent again keeps it, so a lost answer cannot double anything. */
export const keyPerInput = (): ((input: unknown) => string) => {
  let last = { input: '', key: '' };
  return (input) => {
    const text = JSON.stringify(input);
    if (text !== last.input) last = { input: text, key: crypto.randomUUID() };
    return last.key;
  };
};
