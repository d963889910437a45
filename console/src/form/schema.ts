/**
 * Reads the JSON Schema of a command's input into the few kinds of field that a form can show. What it
 * does not recognise becomes a text field: the server has the last word on every value anyway.
 */
export interface FieldSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly FieldSchema[];
  readonly oneOf?: readonly FieldSchema[];
  readonly format?: string;
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly default?: unknown;
}

export interface InputSchema extends FieldSchema {
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
}

export type FieldKind = 'text' | 'long-text' | 'number' | 'boolean' | 'choice' | 'date' | 'moment' | 'any';

export interface Field {
  readonly name: string;
  readonly kind: FieldKind;
  readonly required: boolean;
  readonly choices: readonly string[];
  readonly help: string | undefined;
  readonly minimum: number | undefined;
  readonly maximum: number | undefined;
  readonly initial: unknown;
}

export const fieldsOf = (schema: InputSchema): readonly Field[] =>
  Object.entries(schema.properties ?? {}).map(([name, given]) => {
    const field = withoutNull(given);
    return {
      name,
      kind: kindOf(name, field),
      required: schema.required?.includes(name) === true && given.default === undefined,
      choices: choicesOf(field),
      help: given.description ?? field.description,
      minimum: field.minimum,
      maximum: safe(field.maximum),
      initial: given.default,
    };
  });

const longTextFrom = 400;
const longTexts = new Set(['reason', 'text', 'note']);

const kindOf = (name: string, field: FieldSchema): FieldKind => {
  if (choicesOf(field).length > 0) return 'choice';
  if (field.type === 'boolean') return 'boolean';
  if (field.type === 'number' || field.type === 'integer') return 'number';
  if (field.format === 'date') return 'date';
  if (field.format === 'date-time') return 'moment';
  if (field.type !== 'string' && (field.type !== undefined || field.anyOf !== undefined)) return 'any';
  return longTexts.has(name) || (field.maxLength ?? 0) >= longTextFrom ? 'long-text' : 'text';
};

const choicesOf = (field: FieldSchema): readonly string[] => {
  if (field.enum !== undefined) return field.enum.map(String);
  const options = field.anyOf ?? field.oneOf ?? [];
  const fixed = options.filter((option) => option.const !== undefined || option.enum !== undefined);
  return fixed.length > 0 && fixed.length === options.length
    ? fixed.flatMap((option) => option.enum ?? [option.const]).map(String)
    : [];
};

/** `anyOf: [something, null]` is how an optional or nullable field is written. */
const withoutNull = (field: FieldSchema): FieldSchema => {
  const options = (field.anyOf ?? field.oneOf)?.filter((option) => option.type !== 'null');
  const [only] = options ?? [];
  return options?.length === 1 && only !== undefined ? { ...field, anyOf: [], ...only } : field;
};

/** zod writes the largest safe integer where there is no maximum: nothing to tell anybody. */
const safe = (maximum: number | undefined): number | undefined =>
  maximum !== undefined && maximum >= Number.MAX_SAFE_INTEGER ? undefined : maximum;
