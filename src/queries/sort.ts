/**
 * The order of rows: one field or several, then the key, so that every row has its one place. A row
 * without a value stands after every value ascending and before every value descending, as if it were
 * the greatest.
 */
import { invalidInput } from '../errors.ts';
import type { Column } from './columns.ts';
import type { FilterScope } from './filter.ts';
import { fieldNamed, namesOf } from './selection.ts';

export interface SortField {
  readonly column: Column;
  readonly descending: boolean;
}

/** Ends with the key. */
export type Sort = readonly SortField[];

const fieldsMax = 5;

const sortField = ({ shape, principal }: FilterScope, term: string): SortField => {
  const descending = term.startsWith('-');
  const column = fieldNamed(shape, principal, descending ? term.slice(1) : term, 'sort');
  if (column.kind === 'json') throw invalidInput('sort', `Rows cannot be sorted by ${column.name}.`);
  return { column, descending };
};

/** @throws QuarterdeckError invalid_input, not_permitted. */
export const sortOf = (scope: FilterScope, text: string | undefined): Sort => {
  const { key } = scope.shape;
  if (text === undefined) return [{ column: key, descending: false }];
  const fields = namesOf(text, 'sort').map((term) => sortField(scope, term));
  if (fields.length > fieldsMax) throw invalidInput('sort', `Sort by at most ${fieldsMax} fields.`);
  const twice = fields.find(({ column }, i) => fields.findIndex((f) => f.column === column) < i);
  if (twice !== undefined) throw invalidInput('sort', `Name ${twice.column.name} once only.`);
  const at = fields.findIndex(({ column }) => column === key);
  if (at >= 0) return fields.slice(0, at + 1);
  // In the direction of the last field, so that one index serves both directions.
  return [...fields, { column: key, descending: fields.at(-1)?.descending === true }];
};
