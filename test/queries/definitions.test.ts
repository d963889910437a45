import { z } from 'zod';
import { createCatalogue } from '../../src/queries/catalogue.ts';
import { shapeOf } from '../../src/queries/columns.ts';
import {
  defineProjection,
  type FieldNotes,
  type ProjectionDefinition,
} from '../../src/queries/definition.ts';
import { goodsOf, projections } from './testbed.ts';

const over = (shape: z.ZodRawShape, more: { name?: string; key?: string; fields?: object } = {}) =>
  defineProjection({
    name: more.name ?? 'things',
    summary: 'Things.',
    version: 1,
    schema: z.object({ id: z.string(), ...shape }),
    keyField: (more.key ?? 'id') as 'id',
    fields: (more.fields ?? {}) as { id?: FieldNotes },
    events: [],
    keys: () => [],
    evolve: () => undefined,
    stream: (key) => key,
    permission: 'things:read',
  }) as unknown as ProjectionDefinition;

describe('from a definition to a table', () => {
  test.each([
    [z.string(), 'text', true, false],
    [z.string().optional(), 'text', false, false],
    [z.string().nullable(), 'text', false, true],
    [z.string().regex(/x/).nullish(), 'text', false, true],
    [z.string().default('x'), 'text', true, false],
    [z.string().meta({ id: 'NamedText' }), 'text', true, false],
    [z.enum(['a', 'b']), 'choice', true, false],
    [z.enum(['a', 'b']).nullable(), 'choice', false, true],
    [z.literal('a'), 'choice', true, false],
    [z.int(), 'integer', true, false],
    [z.number().int().nullable(), 'integer', false, true],
    [z.number(), 'number', true, false],
    [z.boolean().optional(), 'boolean', false, false],
    [z.iso.datetime(), 'time', true, false],
    [z.iso.date().nullable(), 'date', false, true],
    [z.array(z.string()), 'json', true, false],
    [z.object({ a: z.string() }).nullable(), 'json', false, true],
    [z.record(z.string(), z.boolean()), 'json', true, false],
    [z.union([z.string(), z.number()]), 'json', true, false],
  ])('schema %# becomes a column of the kind %s', (schema, kind, required, nullable) => {
    const column = shapeOf(over({ field: schema })).columns[1];
    expect(column).toMatchObject({ name: 'field', kind, required, nullable });
  });

  test('an amount of money is compared by value, whatever text it is', () => {
    const { columns } = shapeOf(over({ amount: z.string() }, { fields: { amount: { money: true } } }));
    expect(columns[1]).toMatchObject({ kind: 'money' });
  });

  test('the same columns have the same hash, other columns another', () => {
    const hash = (shape: z.ZodRawShape, fields = {}) => shapeOf(over(shape, { fields })).hash;
    expect(hash({ a: z.string() })).toBe(hash({ a: z.string().max(5) }));
    const hashes = [
      hash({ a: z.string() }),
      hash({ a: z.int() }),
      hash({ b: z.string() }),
      hash({ a: z.string().optional() }),
      hash({ a: z.string() }, { a: { index: true } }),
      hash({ a: z.string() }, { a: { personal: true } }),
    ];
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test.each([
    ['a route', () => over({}, { name: 'commands' }), /shadows the route/],
    ['a name that no path could bear', () => over({}, { name: 'Many Things' }), /kebab-case/],
    ['a field that is a query word', () => over({ limit: z.int() }), /query word/],
    ['a field that no parameter could bear', () => shapeOf(over({ 'a-b': z.int() })), /cannot be a field/],
    ['a key that may be missing', () => shapeOf(over({ k: z.string().optional() }, { key: 'k' })), /key/],
    ['a key that is no text', () => shapeOf(over({ k: z.int() }, { key: 'k' })), /key/],
    ['a name used twice', () => createCatalogue(projections(goodsOf(), goodsOf())), /defined twice/],
  ])('%s is refused when the program starts', (_what, define, message) => {
    expect(define).toThrow(message);
  });
});
