/**
 * zod schemas as the JSON Schema of OpenAPI 3.1. Marks of our own (`personal`) become `x-` members, so
 * that they reach whoever reads the document without claiming to be JSON Schema.
 */
import { z } from 'zod';
import type { JsonSchema } from '../route.ts';

/** What a schema takes (`input`) or gives (`output`); what JSON Schema cannot say is left open. */
export const jsonSchemaOf = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return marked(rest) as JsonSchema;
};

/** zod writes a mark beside the schema's own words wherever the field stands. */
const marked = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(marked);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]) =>
    name === 'personal' && inner === true ? ['x-personal', true] : [name, marked(inner)],
  );
  return Object.fromEntries(entries);
};

export const ref = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

export const arrayOf = (items: JsonSchema): JsonSchema => ({ type: 'array', items });

export const text: JsonSchema = { type: 'string' };
export const flag: JsonSchema = { type: 'boolean' };
export const whole: JsonSchema = { type: 'integer', minimum: 0 };
export const time: JsonSchema = { type: 'string', format: 'date-time' };
export const orNull = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] });

/** An object whose fields are all there unless named in `optional`; answers may always grow. */
export const object = (
  properties: Readonly<Record<string, JsonSchema>>,
  optional: readonly string[] = [],
): JsonSchema => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});

/** A page of a list: its rows, the cursor of the next page, the position it was read at. */
export const pageOf = (row: JsonSchema): JsonSchema =>
  object({ data: arrayOf(row), nextCursor: orNull({ type: ['string', 'integer'] }), position: whole });

export const json = (schema: JsonSchema, example?: unknown) => ({
  'application/json': { schema, ...(example === undefined ? {} : { example }) },
});
