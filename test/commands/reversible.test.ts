import { z } from 'zod';
import { createCatalogue } from '../../src/commands/catalogue.ts';
import { defineCommand } from '../../src/commands/definition.ts';
import { defineStream } from '../../src/commands/stream.ts';

const lamps = defineStream({ prefix: 'lamp', initialState: {}, evolve: (state) => state });
const doors = defineStream({ prefix: 'door', initialState: {}, evolve: (state) => state });

const commandOf = (name: string, more: object = {}) =>
  defineCommand({
    name,
    summary: 'Something.',
    input: z.object({ id: z.string() }),
    stream: lamps,
    id: ({ id }: { id: string }) => id,
    permission: 'lamps:switch',
    bulk: { field: 'id' },
    decide: () => [],
    ...more,
  });

const by = (command: string) => ({ inverse: { command, input: ({ id }: { id: string }) => ({ id }) } });

describe('What takes a command back', () => {
  test('is declared, or why nothing does; never both, and somebody is told in any case', () => {
    expect(commandOf('light', by('darken')).irreversible).toBeUndefined();
    expect(commandOf('break', { irreversible: 'Glass.' }).irreversible).toBe('Glass.');
    expect(commandOf('look').irreversible).toBe('No command is declared that takes it back.');
    expect(() => commandOf('light', { ...by('darken'), irreversible: 'No.' })).toThrow(
      /says that it is irreversible/,
    );
  });

  test.each([
    ['is no command', [], /the inverse of light, darken, is not a command/],
    ['acts on other streams', [commandOf('darken', { stream: doors })], /act on different streams/],
    ['does not run in bulk', [commandOf('darken', { bulk: undefined })], /its inverse darken does not/],
  ] as const)('an inverse that %s is told at the start', (_, others, said) => {
    expect(() => createCatalogue([commandOf('light', by('darken')), ...others])).toThrow(said);
  });
});
