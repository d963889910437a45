/**
 * The fields of a command as an upload sees them: which there are, which must be there, and what a text
 * cell becomes. Taken from the JSON Schema of the command's input, so that a cell is read as whatever
 * the schema asks for. What does not look like it stays text, and the schema itself says what is wrong.
 */
import { z } from 'zod';
import type { CommandDefinition } from '../../commands/definition.ts';

type Kind = 'text' | 'number' | 'boolean' | 'json' | 'any';

export interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly required: boolean;
}

interface Described {
  readonly type?: string;
  readonly anyOf?: readonly Described[];
}

const kinds: Readonly<Record<string, Kind>> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'json',
  object: 'json',
};

/** Of a union text wins: a cell is text already. */
const kindOf = ({ type, anyOf }: Described): Kind => {
  if (type !== undefined) return kinds[type] ?? 'any';
  const inner = (anyOf ?? []).map(kindOf).filter((kind) => kind !== 'any');
  return inner.includes('text') ? 'text' : (inner[0] ?? 'any');
};

export const fieldsOf = (command: CommandDefinition): ReadonlyMap<string, Field> => {
  const { properties = {}, required = [] } = z.toJSONSchema(command.input, {
    io: 'input',
    unrepresentable: 'any',
  }) as { properties?: Record<string, Described>; required?: readonly string[] };
  return new Map(
    Object.entries(properties).map(([name, described]) => [
      name,
      { name, kind: kindOf(described), required: required.includes(name) },
    ]),
  );
};

const decimal = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;

/** undefined: the cell is blank and the field may be left out. */
export const readCell = ({ kind, required }: Field, cell: string): unknown => {
  const text = cell.trim();
  if (text === '') return required && kind === 'text' ? cell : undefined;
  if (kind === 'number') return decimal.test(text) ? Number(text) : cell;
  if (kind === 'boolean') return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : cell;
  return kind === 'json' ? readJson(cell) : cell;
};

const readJson = (cell: string): unknown => {
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    return cell;
  }
};
