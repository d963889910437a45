/**
 * Which fields a principal may see, and which of them were asked for. A field that one may not read is
 * refused wherever it is named, so that nobody can learn its values by filtering or sorting.
 */
import { covers, type Principal, type Rows, rowsOfBoth } from '../access/principal.ts';
import { invalidInput, notPermitted } from '../errors.ts';
import type { Column, TableShape } from './columns.ts';
import type { FieldNotes } from './definition.ts';

const mayRead = (principal: Principal, { notes }: Column): boolean =>
  notes.internal === undefined || principal.permissions.has(notes.internal);

export const readableBy = (principal: Principal, shape: TableShape): readonly Column[] =>
  shape.columns.filter((column) => mayRead(principal, column));

/** @throws QuarterdeckError invalid_input with the fields there are; not_permitted. */
export const fieldNamed = (shape: TableShape, principal: Principal, name: string, path: string): Column => {
  const column = shape.columns.find((c) => c.name === name);
  if (column === undefined) {
    const known = readableBy(principal, shape).map((c) => c.name);
    throw invalidInput(path, `There is no field "${name.slice(0, 100)}". Known are ${known.join(', ')}.`);
  }
  if (!mayRead(principal, column)) throw notPermitted(column.notes.internal ?? '');
  return column;
};

/** A comma-separated list of names, each given once. @throws QuarterdeckError invalid_input. */
export const namesOf = (text: string, path: string): readonly string[] => {
  const names = text.split(',');
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw invalidInput(path, `Name "${twice.slice(0, 100)}" once only.`);
  return names;
};

/**
 * Whether an answer holds the field without being asked for it: one whose permission reaches fewer rows
 * than the projection's own is left out, rather than narrow the answer to those.
 */
export const isShownUnasked = (principal: Principal, permission: string, { internal }: FieldNotes): boolean =>
  internal === undefined ||
  (principal.permissions.has(internal) &&
    covers(principal.permissions.rows(internal), principal.permissions.rows(permission)));

/** The rows of which one may read the projection and all of these fields, whether shown or only asked about. */
export const rowsReadable = (principal: Principal, permission: string, fields: readonly Column[]): Rows => {
  const internal = new Set(fields.flatMap(({ notes }) => notes.internal ?? []));
  const { rows } = principal.permissions;
  return [...internal]
    .filter((one) => !covers(rows(one), rows(permission)))
    .reduce<Rows>((reached, one) => rowsOfBoth(reached, rows(one)), rows(permission));
};

/** The fields of an answer: those named, in the order of the schema, or all that are shown unasked. */
export const selectedFields = (
  shape: TableShape,
  principal: Principal,
  permission: string,
  fields: string | undefined,
): readonly Column[] => {
  if (fields === undefined)
    return shape.columns.filter(({ notes }) => isShownUnasked(principal, permission, notes));
  const named = namesOf(fields, 'fields').map((name) => fieldNamed(shape, principal, name, 'fields'));
  return shape.columns.filter((column) => named.includes(column));
};
