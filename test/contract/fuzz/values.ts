/** Values for a JSON Schema: mostly what it asks for, now and then what it does not. */
import fc from 'fast-check';

export type JsonSchema = Readonly<{
  type?: string | readonly string[];
  enum?: readonly unknown[];
  const?: unknown;
  pattern?: string;
  properties?: Readonly<Record<string, JsonSchema>>;
  required?: readonly string[];
  items?: JsonSchema;
  anyOf?: readonly JsonSchema[];
  oneOf?: readonly JsonSchema[];
}>;

const odd = [
  '',
  ' ',
  '\u0000',
  '\ud83e',
  '../../etc/passwd',
  "'; DROP TABLE events; --",
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  '#{7*7}',
  '{{7*7}}',
  '1e999',
  '-1',
  '9007199254740993',
  '2026-02-30T00:00:00Z',
  'NaN',
  'x'.repeat(5_000),
  '\u202e\u0301\ufeff',
];

const likely = [
  'fuzz-1',
  'fuzz-2',
  '7590-VHVEG',
  'one-year',
  'dsl',
  '29.85',
  '500.01',
  '-0.01',
  '2026-11-27',
  '2026-11-27T00:00:00Z',
  'true',
  '10',
  'open-account',
  'support',
  'Because.',
];

export const textOf = (): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...likely) },
    { weight: 2, arbitrary: fc.constantFrom(...odd) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  );

const oddValue = fc.oneof(
  fc.jsonValue(),
  textOf(),
  fc.constantFrom<unknown>(null, [], {}, 0, -1, 1e308, 2 ** 53, true, [[]], { a: { a: {} } }),
);

const objectOf = ({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> => {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valueFor(schema)]),
  );
  const known = required.filter((name) => name in fields);
  const whole = fc.record(fields, { requiredKeys: known }) as fc.Arbitrary<Record<string, unknown>>;
  const partial = fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Record<string, unknown>>;
  const wider = fc
    .tuple(whole, textOf(), oddValue)
    .map(([made, name, value]) => ({ ...made, [name]: value }));
  return fc.oneof(
    { weight: 6, arbitrary: whole },
    { weight: 1, arbitrary: partial },
    { weight: 1, arbitrary: wider },
  );
};

const usualOf = (schema: JsonSchema): fc.Arbitrary<unknown> => {
  if (schema.const !== undefined) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(valueFor));
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  switch (type) {
    case 'object':
      return objectOf(schema);
    case 'array':
      return fc.array(valueFor(schema.items ?? {}), { maxLength: 4 });
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.oneof(fc.nat(100), fc.integer());
    case 'number':
      return fc.double();
    case 'string':
      return textOf();
    default:
      return oddValue;
  }
};

export const valueFor = (schema: JsonSchema): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 9, arbitrary: usualOf(schema) }, { weight: 1, arbitrary: oddValue });
