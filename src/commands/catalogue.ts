/**
 * The catalogue: what may be asked of the system, by name, with the JSON Schema of each input.
 */
import { z } from 'zod';
import type { Principal } from '../access/principal.ts';
import { QuarterdeckError } from '../errors.ts';
import type { CommandDefinition } from './definition.ts';
import type { CatalogueEntry } from './request.ts';

export interface Catalogue {
  /** @throws QuarterdeckError `not_found`. */
  get(name: string): CommandDefinition;
  find(name: string): CommandDefinition | undefined;
  readonly all: readonly CommandDefinition[];
  entries(principal: Principal): readonly CatalogueEntry[];
}

/** What a client may send: before any coercion. A part that JSON Schema cannot say is left open. */
export const inputSchema = (command: CommandDefinition): object =>
  z.toJSONSchema(command.input, { io: 'input', unrepresentable: 'any' });

/** Snapshots and loads are kept by a view's name, so two views must not share one. */
const assertViewsApart = (commands: readonly CommandDefinition[]): void => {
  const views = new Map<string, object>();
  const streams = commands.flatMap(({ stream, reads }) => [
    stream,
    ...Object.values(reads).map((read) => read.stream),
  ]);
  for (const stream of streams) {
    if ((views.get(stream.name) ?? stream) !== stream) {
      throw new Error(`two views of streams are named ${stream.name}: give one a name of its own`);
    }
    views.set(stream.name, stream);
  }
};

/** @throws Error when two commands or two views of streams share a name or an inverse names no command. */
export const createCatalogue = (commands: readonly CommandDefinition[]): Catalogue => {
  const byName = new Map<string, CommandDefinition>();
  for (const command of commands) {
    if (byName.has(command.name)) throw new Error(`the command ${command.name} is defined twice`);
    if (command.needs.approval === true) {
      throw new Error(`${command.name} needs an approval, which this version cannot ask for`);
    }
    byName.set(command.name, command);
  }
  assertViewsApart(commands);
  for (const { name, inverse, bulk, stream } of commands) {
    if (inverse === undefined) continue;
    const command = byName.get(inverse.command);
    if (command === undefined)
      throw new Error(`the inverse of ${name}, ${inverse.command}, is not a command`);
    if (bulk !== undefined && command.bulk === undefined)
      throw new Error(`${name} runs in bulk, and its inverse ${inverse.command} does not`);
    if (command.stream.prefix !== stream.prefix)
      throw new Error(`${name} and its inverse ${inverse.command} act on different streams`);
  }
  const described = [...byName.values()].map((command) => ({ command, input: inputSchema(command) }));
  const entry = ({ command, input }: (typeof described)[number], principal: Principal): CatalogueEntry => ({
    name: command.name,
    summary: command.summary,
    input,
    permission: command.permission,
    permitted: principal.permissions.has(command.permission),
    bulk: command.bulk ?? null,
    approval: command.needs.approval ?? false,
    reasonRequired: command.needs.reason ?? false,
    freshSignInMinutes: command.needs.freshSignInMinutes ?? null,
    inverse: command.inverse?.command ?? null,
    irreversible: command.irreversible ?? null,
  });
  return {
    all: [...byName.values()],
    find: (name) => byName.get(name),
    get(name) {
      const command = byName.get(name);
      if (command === undefined) throw new QuarterdeckError('not_found', `There is no command "${name}".`);
      return command;
    },
    entries: (principal) => described.map((d) => entry(d, principal)),
  };
};
