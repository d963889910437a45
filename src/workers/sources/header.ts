/**
 * Columns of a table and the fields that they are for. With `map` (`{field: column}`) fields take the columns
 * named there and other columns are ignored; without it columns are fields, and one that is no field is
 * refused.
 */
import { type FieldError, invalidInput, QuarterdeckError } from '../../errors.ts';
import { CellFault, type Decimal, type Field, readCell } from './fields.ts';
import type { SourceItem } from './source.ts';

export type ColumnMap = Readonly<Record<string, string>>;

type Fields = ReadonlyMap<string, Field>;

/** What a table is read for. */
export interface Wanted {
  readonly fields: Fields;
  readonly map: ColumnMap | undefined;
  /** Fields that the job's common input gives to every row. */
  readonly given: readonly string[];
}

interface Binding {
  readonly field: Field;
  readonly column: number;
}

/** In the order of the columns; one column may fill several fields. */
export type Bindings = readonly Binding[];

/** @throws QuarterdeckError `invalid_input` naming each column that is there twice, unknown or missing. */
export const bind = (header: readonly string[], { fields, map, given }: Wanted): Bindings => {
  const columns = header.map((name) => name.trim());
  const twice = columns.find((name, i) => name !== '' && columns.indexOf(name) !== i);
  if (twice !== undefined)
    throw invalidInput('header', `The column "${twice}" is there twice; name each column once.`);
  const bindings = map === undefined ? bindByName(columns, fields) : bindByMap(columns, fields, map);
  requireAll(bindings, fields, given);
  return [...bindings].sort((a, b) => a.column - b.column);
};

/** How many of the wanted columns a header has: what tells one reading of it from another. */
export const wantedIn = (header: readonly string[], { fields, map }: Wanted): number => {
  const wanted = new Set(map === undefined ? fields.keys() : Object.values(map).map((name) => name.trim()));
  return header.filter((name) => wanted.has(name.trim())).length;
};

/** A column that no row has would refuse every row with the same words: say it once, for the upload. */
const requireAll = (bindings: Bindings, fields: Fields, given: readonly string[]): void => {
  const there = new Set([...bindings.map(({ field }) => field.name), ...given]);
  const missing = [...fields.values()].filter(({ name, required }) => required && !there.has(name));
  if (missing.length === 0) return;
  throw new QuarterdeckError('invalid_input', 'The upload lacks columns.', {
    errors: missing.map(({ name }) => ({
      path: `header.${name}`,
      message: `There is no column for the field "${name}"; add one, or say with map which column it is.`,
    })),
  });
};

const bindByName = (columns: readonly string[], fields: Fields): Binding[] =>
  columns.map((name, column) => {
    const field = fields.get(name);
    if (field !== undefined) return { field, column };
    if (name === '')
      throw invalidInput(
        'header',
        `Column ${column + 1} has no name; give it one, or say with map which columns to take.`,
      );
    throw invalidInput(
      `header.${name}`,
      `There is no field "${name}"; the fields are ${[...fields.keys()].join(', ')}. Rename the column, or say with map which columns to take.`,
    );
  });

const bindByMap = (columns: readonly string[], fields: Fields, map: ColumnMap): Binding[] => {
  const errors: FieldError[] = [];
  const bindings = Object.entries(map).flatMap(([name, wanted]) => {
    const field = fields.get(name);
    const column = columns.indexOf(wanted.trim());
    if (field !== undefined && column >= 0) return [{ field, column }];
    errors.push({
      path: `map.${name}`,
      message:
        field === undefined
          ? `There is no field "${name}"; the fields are ${[...fields.keys()].join(', ')}.`
          : `The upload has no column "${wanted}"; its columns are ${columns.join(', ')}.`,
    });
    return [];
  });
  if (errors.length > 0)
    throw new QuarterdeckError('invalid_input', 'The upload does not fit the map.', { errors });
  return bindings;
};

/** Makes an item of a row's cells. `cellOf`: where in a row the cell of the nth binding stands. */
export const createRowReader = (
  bindings: Bindings,
  cellOf: readonly number[],
  decimal: Decimal,
): ((line: number, cells: readonly (string | CellFault | undefined)[]) => SourceItem) => {
  return (line, cells) => {
    const input: Record<string, unknown> = {};
    let faults: FieldError[] | undefined;
    for (let n = 0; n < bindings.length; n++) {
      const { field } = bindings[n] as Binding;
      const cell = cells[cellOf[n] as number] ?? '';
      const value = cell instanceof CellFault ? cell : readCell(field, cell, decimal);
      if (value instanceof CellFault) {
        faults ??= [];
        faults.push({ path: field.name, message: value.message });
      } else if (value !== undefined) input[field.name] = value;
    }
    return faults === undefined ? { line, input } : { line, input, faults };
  };
};
