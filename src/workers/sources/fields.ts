/**
 * The fields of a command as an upload sees them: which there are, which must be there, and what a text
 * cell becomes. Taken from the JSON Schema of the command's input, so that a cell is read as whatever
 * the schema asks for. What does not look like it stays text, and the schema itself says what is wrong.
 */
import { z } from 'zod';
import type { CommandDefinition } from '../../commands/definition.ts';

/** `decimal`: text that is a number in decimal notation (`format: decimal`), as amounts of money are. */
type Kind = 'text' | 'decimal' | 'number' | 'boolean' | 'json' | 'any';

export interface Field {
  readonly name: string;
  readonly kind: Kind;
  readonly required: boolean;
}

interface Described {
  readonly type?: string;
  readonly format?: string;
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
const kindOf = ({ type, format, anyOf }: Described): Kind => {
  if (type === 'string' && format === 'decimal') return 'decimal';
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

const number = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$/;
const commaNumber = /^([+-]?\d+),(\d+([eE][+-]?\d+)?)$/;

export type Decimal = 'point' | 'comma';

/** In place of a value: what the cell holds could be two things, or none. */
export class CellFault {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

const withPoint = new CellFault(
  'holds a point; with decimal=comma write it like 29,85, without separators of thousands',
);

/** Only where the whole cell is a number: "1.5" may be one thousand five hundred to whoever writes commas. */
const pointed = (text: string): string | CellFault => {
  const [, whole, rest] = commaNumber.exec(text) ?? [];
  if (whole !== undefined && rest !== undefined) return `${whole}.${rest}`;
  return number.test(text) && text.includes('.') ? withPoint : text;
};

/** undefined: the cell is blank and the field may be left out. */
export const readCell = ({ kind, required }: Field, cell: string, decimal: Decimal = 'point'): unknown => {
  if (kind === 'text' && cell !== '' && cell.charCodeAt(0) > space) return cell;
  const text = cell.trim();
  if (text === '') return required && isText(kind) ? cell : undefined;
  if (kind === 'number') return readNumber(text, cell, decimal);
  if (kind === 'decimal') return decimal === 'comma' ? pointed(text) : cell;
  if (kind === 'boolean') return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : cell;
  return kind === 'json' ? readJson(cell) : cell;
};

/** A cell that begins beyond it is not blank. */
const space = 0x20;

const isText = (kind: Kind): boolean => kind === 'text' || kind === 'decimal';

const readNumber = (text: string, cell: string, decimal: Decimal): unknown => {
  const read = decimal === 'comma' ? pointed(text) : text;
  if (read instanceof CellFault) return read;
  return number.test(read) ? Number(read) : cell;
};

const readJson = (cell: string): unknown => {
  try {
    return JSON.parse(cell) as unknown;
  } catch {
    return cell;
  }
};
