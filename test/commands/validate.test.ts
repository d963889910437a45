/** Inputs that are too large to be looked at: they are refused before a schema makes a fault of each value. */
import { z } from 'zod';
import { defineCommand } from '../../src/commands/definition.ts';
import { defineStream } from '../../src/commands/stream.ts';
import { validateInput } from '../../src/commands/validate.ts';
import { inputValuesMax } from '../../src/events/sound-json.ts';
import { readBody } from '../../src/workers/asked.ts';

let looked = 0;
const counting = z.string().refine(() => {
  looked++;
  return true;
});

const command = defineCommand({
  name: 'list-things',
  summary: 'List things.',
  permission: 'things:list',
  irreversible: 'It is a test.',
  stream: defineStream({ prefix: 'thing', initialState: {}, evolve: (state) => state }),
  id: ({ id }: { id: string }) => id,
  input: z.object({ id: z.string(), things: z.array(counting).optional() }),
  decide: () => [],
});

const errorsOf = (input: unknown) => {
  const validated = validateInput(command, input);
  return validated.ok ? [] : validated.errors;
};

beforeEach(() => {
  looked = 0;
});

test('an input of as many values as there may be is looked at', () => {
  // The input, its id and the list itself are three.
  const things = Array.from({ length: inputValuesMax - 3 }, () => 'x');
  expect(errorsOf({ id: 'a', things })).toEqual([]);
  expect(looked).toBe(things.length);
});

test.each([
  ['a list', { id: 'a', things: Array.from({ length: inputValuesMax }, () => 'x') }],
  ['unknown names', Object.fromEntries(Array.from({ length: inputValuesMax }, (_, n) => [`n${n}`, 1]))],
  ['lists in lists', { id: 'a', things: Array.from({ length: 200 }, () => Array(200).fill(1)) }],
])('one with more, as %s, is one error and is not', (_kind, input) => {
  expect(errorsOf(input)).toEqual([
    { path: '', message: expect.stringContaining(`${inputValuesMax} values`) },
  ]);
  expect(looked).toBe(0);
});

const faultsOf = (body: unknown): readonly { readonly path: string; readonly message: string }[] => {
  try {
    readBody(body);
    return [];
  } catch (error) {
    return (error as { errors: readonly { path: string; message: string }[] }).errors;
  }
};

test('of a list of targets that are none, no more faults are made than are told', () => {
  const faults = faultsOf({ command: 'x', targets: Array.from({ length: 200_000 }, () => 1) });
  expect(faults[0]).toEqual({ path: 'targets.0', message: 'Give an id as text.' });
  expect(faults).toHaveLength(100);
  expect(faults.at(-1)).toEqual({ path: 'targets', message: '199901 more of them are no text.' });
});

test('a job may have any number of targets, and not of anything else', () => {
  const targets = Array.from({ length: 200_000 }, (_, n) => `t${n}`);
  expect(readBody({ command: 'x', targets }).targets).toHaveLength(200_000);
  const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, n) => [`n${n}`, 1]));
  expect(faultsOf({ command: 'x', targets: ['a'], ...many })).toHaveLength(1);
  expect(faultsOf({ command: 'x', targets: 'a' })).toEqual([
    { path: 'targets', message: 'Give a list of ids.' },
  ]);
});

test('a field that is not there is told as what to do, one of another kind as what it is', () => {
  expect(errorsOf({})).toEqual([{ path: 'id', message: 'is missing; give a string' }]);
  expect(errorsOf({ id: 7 })).toEqual([
    { path: 'id', message: 'Invalid input: expected string, received number' },
  ]);
});
