/**
 * Given these events, when this command is asked for, then … : deciders tried over plain objects. The
 * input is validated as the pipeline does it, the states are folded from the given events, each of which
 * stands on the stream that its definition names first.
 */
import { permissions } from '../../src/access/principal.ts';
import type { CommandContext, CommandDefinition, Decision } from '../../src/commands/definition.ts';
import type { StreamDefinition } from '../../src/commands/stream.ts';
import { validateInput } from '../../src/commands/validate.ts';
import { areas } from '../../src/domain/index.ts';
import type { EventData, NewEvent } from '../../src/events/definition.ts';
import type { RecordedEvent } from '../../src/events/envelope.ts';
import { foldEvent, type Rows } from '../../src/queries/fold.ts';

export const now = '2026-03-03T10:00:00.000000Z';

export const commands = new Map(areas.flatMap((area) => area.commands).map((c) => [c.name, c]));
export const events = new Map(areas.flatMap((area) => area.events).map((e) => [e.type, e]));
export const projections = new Map(areas.flatMap((area) => area.projections).map((p) => [p.name, p]));

export const command = (name: string): CommandDefinition => {
  const found = commands.get(name);
  if (found === undefined) throw new Error(`there is no command ${name}`);
  return found;
};

const streamOf = ({ type, data }: NewEvent): string => events.get(type)?.refs(data)[0] ?? '';

export const stateOf = (
  definition: StreamDefinition,
  id: string | undefined,
  past: readonly NewEvent[],
): object =>
  id === undefined
    ? definition.initialState
    : past
        .filter((event) => streamOf(event) === definition.of(id))
        .reduce(definition.evolve, definition.initialState);

/** The input as `decide` gets it. @throws Error where it is not valid. */
export const valid = (name: string, input: object): EventData => {
  const validated = validateInput(command(name), input);
  if (!validated.ok) throw new Error(`${name}: ${JSON.stringify(validated.errors)}`);
  return validated.input;
};

/** What is wrong with an input, one line a problem: `totalCharges must be …`. */
export const problems = (name: string, input: object): readonly string[] => {
  const validated = validateInput(command(name), input);
  return validated.ok ? [] : validated.errors.map(({ path, message }) => `${path} ${message}`);
};

const decide = (past: readonly NewEvent[], name: string, raw: object, can: readonly string[]): Decision => {
  const { stream, id, reads, decide } = command(name);
  const input = valid(name, raw);
  const state = stateOf(stream, id(input), past);
  const read = Object.fromEntries(
    Object.entries(reads).map(([key, r]) => [
      key,
      stateOf(r.stream as StreamDefinition, r.id(input, state), past),
    ]),
  );
  const context: CommandContext = {
    actor: { id: 'person:test', kind: 'person' },
    can: permissions(can).has,
    now,
    read,
  };
  return decide(input, state, context);
};

export const given = (...past: readonly NewEvent[]) => ({
  when: (name: string, input: object, can: readonly string[] = ['*']): Decision =>
    decide(past, name, input, can),
  /** What the input of the command's inverse would be; undefined where it cannot be taken back. */
  inverse: (name: string, input: object, why: { reason?: string } = {}): EventData | undefined => {
    const { stream, id, inverse } = command(name);
    const read = valid(name, input);
    return inverse?.input(read, stateOf(stream, id(read), past), why);
  },
  state: (name: string, input: EventData): object => {
    const { stream, id } = command(name);
    return stateOf(stream, id(input), past);
  },
  /** The rows of a projection, by key, recorded a second after another from `recordedAt(1)` on. */
  rows: (name: string): Readonly<Record<string, object | undefined>> => {
    const projection = projections.get(name);
    if (projection === undefined) throw new Error(`there is no projection ${name}`);
    const rows: Rows = new Map();
    const versions = new Map<string, number>();
    past.forEach((event, index) => {
      const stream = streamOf(event);
      const version = (versions.get(stream) ?? 0) + 1;
      versions.set(stream, version);
      foldEvent(projection, rows, recorded(event, { stream, version, position: index + 1 }));
    });
    return Object.fromEntries([...rows].map(([key, held]) => [key, held.row]));
  },
});

export const recordedAt = (position: number): string =>
  `2026-03-03T10:00:${String(position).padStart(2, '0')}.000000Z`;

const recorded = (
  { type, data }: NewEvent,
  at: { stream: string; version: number; position: number },
): RecordedEvent => ({
  ...at,
  type,
  data,
  id: crypto.randomUUID(),
  schemaVersion: 1,
  recordedAt: recordedAt(at.position),
  metadata: {
    actor: { id: 'person:test', kind: 'person' },
    tool: 'console',
    commandId: crypto.randomUUID(),
    correlationId: crypto.randomUUID(),
    decidedAt: now,
  },
});
