/**
 * From a projection's schema to the columns of its table: one column a field, under the field's own name
 * (quoted camelCase, so that nothing has to be mapped). Text sorts as COLLATE "C"; times are text of the
 * log's own form (`YYYY-MM-DDTHH:MM:SS.ffffffZ`), which sorts by time and comes back byte for byte; money
 * is numeric, compared by value and answered as text with the scale it was written with.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { FieldNotes, ProjectionDefinition } from './definition.ts';

export type ColumnKind =
  | 'text'
  | 'choice'
  | 'time'
  | 'date'
  | 'integer'
  | 'number'
  | 'money'
  | 'boolean'
  | 'json';

export interface Column {
  readonly name: string;
  readonly kind: ColumnKind;
  /** The schema demands a value: the column is NOT NULL. */
  readonly required: boolean;
  /** The schema allows null: an absent value is answered as null instead of being left out. */
  readonly nullable: boolean;
  /** Of a `choice`. */
  readonly choices: readonly string[];
  readonly notes: FieldNotes;
}

export interface TableShape {
  readonly columns: readonly Column[];
  readonly key: Column;
  readonly hash: string;
  /** Names whose row belongs to a person: there is a column `_subject`. */
  readonly personal: readonly string[];
}

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly $ref?: string;
}

type Definitions = Readonly<Record<string, JsonSchema>>;

/** The alternatives that a schema allows, null among them, each with one type. */
const alternatives = (schema: JsonSchema, defs: Definitions): readonly JsonSchema[] => {
  const named = schema.$ref === undefined ? undefined : defs[schema.$ref.replace('#/$defs/', '')];
  if (named !== undefined) return alternatives(named, defs);
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((one) => alternatives(one, defs));
  return Array.isArray(schema.type) ? schema.type.map((type: string) => ({ ...schema, type })) : [schema];
};

const isText = (value: unknown): value is string => typeof value === 'string';

const choicesOf = ({ enum: values, const: only }: JsonSchema): readonly string[] | undefined => {
  const all = values ?? (only === undefined ? undefined : [only]);
  return all?.every(isText) === true ? all : undefined;
};

const kindOf = (schema: JsonSchema, notes: FieldNotes): ColumnKind => {
  if (notes.money === true) return 'money';
  if (choicesOf(schema) !== undefined) return 'choice';
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time' ? 'time' : schema.format === 'date' ? 'date' : 'text';
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type;
    default:
      return 'json';
  }
};

const columnOf = (
  name: string,
  allowed: readonly JsonSchema[],
  required: boolean,
  notes: FieldNotes,
): Column => {
  const nullable = allowed.some(({ type }) => type === 'null');
  const values = allowed.filter(({ type }) => type !== 'null');
  const only = values.length === 1 && values[0] !== undefined ? values[0] : {};
  return {
    name,
    kind: kindOf(only, notes),
    required: required && !nullable,
    nullable,
    choices: choicesOf(only) ?? [],
    notes,
  };
};

const hashOf = (columns: readonly Column[], keyField: string, personal: boolean): string => {
  const parts = columns.map(({ name, kind, required, notes }) => [
    name,
    kind,
    required,
    notes.index === true,
  ]);
  return createHash('sha256')
    .update(JSON.stringify([keyField, personal, parts]))
    .digest('hex')
    .slice(0, 16);
};

/** @throws Error when a field's name or the key's type is one that a table cannot have. */
export const shapeOf = (definition: ProjectionDefinition): TableShape => {
  const {
    properties = {},
    required = [],
    $defs = {},
  } = z.toJSONSchema(definition.schema, { io: 'output', unrepresentable: 'any' }) as {
    properties?: Record<string, JsonSchema>;
    required?: readonly string[];
    $defs?: Definitions;
  };
  const columns = Object.entries(properties).map(([name, schema]) =>
    columnOf(name, alternatives(schema, $defs), required.includes(name), definition.fields[name] ?? {}),
  );
  const fault = (what: string) => new Error(`projection ${definition.name}: ${what}`);
  for (const { name } of columns) {
    if (!/^[A-Za-z][A-Za-z0-9]{0,62}$/.test(name)) throw fault(`"${name}" cannot be a field`);
  }
  const key = columns.find(({ name }) => name === definition.keyField);
  if (key === undefined || !key.required || !['text', 'choice'].includes(key.kind)) {
    throw fault(`its key "${definition.keyField}" must be a required text`);
  }
  const personal = columns.filter(({ notes }) => notes.personal === true).map(({ name }) => name);
  return { columns, key, personal, hash: hashOf(columns, key.name, personal.length > 0) };
};
