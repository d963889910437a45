/**
 * An example of a JSON Schema, for the documentation. Only what a schema says and a field's name
 * suggests is used; whoever shows one checks first that the real schema takes it.
 */
import type { JsonSchema } from '../route.ts';

type Schema = JsonSchema & {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
};

/** Required fields only: what is optional is told apart by being absent. */
export const exampleOf = (schema: JsonSchema, name = ''): unknown => {
  const known = schema as Schema;
  const given = known.examples?.[0] ?? known.default ?? known.const ?? known.enum?.[0];
  if (given !== undefined) return given;
  if (known.anyOf?.[0] !== undefined) return exampleOf(known.anyOf[0], name);
  switch (known.type) {
    case 'object':
      return Object.fromEntries((known.required ?? []).map((field) => [field, fieldExample(known, field)]));
    case 'array':
      return known.items === undefined ? [] : [exampleOf(known.items, name)];
    case 'integer':
    case 'number':
      return Math.max(1, known.minimum ?? 1);
    case 'boolean':
      return true;
    case 'string':
      return textExample(known, name);
    default:
      return 'any';
  }
};

const fieldExample = (schema: Schema, field: string): unknown => {
  const property = schema.properties?.[field];
  return property === undefined ? 'any' : exampleOf(property, field);
};

const formats: Readonly<Record<string, string>> = {
  date: '2026-02-28',
  'date-time': '2026-02-28T12:00:00Z',
  email: 'ada@example.com',
  uuid: '0198c0de-0000-7000-8000-000000000001',
};

const others = ['example-1', '29.85', '2026-02-28', '2026-02', 'USD', 'month-to-month', '1', 'example'];

const textExample = ({ format, pattern }: Schema, name: string): string => {
  const byFormat = format === undefined ? undefined : formats[format];
  if (byFormat !== undefined) return byFormat;
  const guess = guessOf(name);
  if (pattern === undefined) return guess;
  return [guess, ...others].find((candidate) => new RegExp(pattern, 'u').test(candidate)) ?? guess;
};

const guessOf = (name: string): string => {
  if (/(charges|amount|cost)$/i.test(name)) return '29.85';
  if (/(On|Date|until)$/.test(name)) return '2026-02-28';
  return /id$/i.test(name) ? `${name.replace(/id$/i, '')}-1001` : 'example';
};
