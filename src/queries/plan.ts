/**
 * From the query string of a request to what is to be read: parsed, checked and permitted as a whole
 * before anything is looked up.
 */
import type { Principal, Rows } from '../access/principal.ts';
import { invalidInput, notPermitted } from '../errors.ts';
import type { Known } from './catalogue.ts';
import type { Column } from './columns.ts';
import { queryWords } from './definition.ts';
import { type Filter, filterOfQuery, filterOfWhere } from './filter.ts';
import { rowsReadable, selectedFields } from './selection.ts';
import { type Sort, sortOf } from './sort.ts';

export interface Plan {
  readonly known: Known;
  /** Those that may be read, with all the fields that the question is about. */
  readonly rows: Rows;
  readonly fields: readonly Column[];
  readonly filter: Filter;
  readonly sort: Sort;
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly asOf: string | undefined;
  /** The name of a moment that is kept, in place of `asOf`. */
  readonly snapshot: string | undefined;
  /** The filter as it was asked, in one form: what a cursor is bound to. */
  readonly asked: string;
}

const limitDefault = 100;
const limitMax = 1_000;

const words = {
  list: ['sort', 'limit', 'cursor', 'fields', 'asOf', 'snapshot', 'where'],
  get: ['fields', 'asOf', 'snapshot'],
  export: ['sort', 'fields', 'asOf', 'snapshot', 'where'],
} as const;

const isWord = (name: string): boolean => (queryWords as readonly string[]).includes(name);

export type PlanKind = keyof typeof words;

/** A word given at most once. */
const wordOf = (query: URLSearchParams, word: string): string | undefined => {
  const values = query.getAll(word);
  if (values.length > 1) throw invalidInput(word, 'Give it once only.');
  return values[0];
};

const limitOf = (text: string | undefined): number => {
  if (text === undefined) return limitDefault;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > limitMax)
    throw invalidInput('limit', `Give a whole number from 1 to ${limitMax}.`);
  return limit;
};

const whereOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw invalidInput('where', 'Give JSON, like {"status": "active"}.');
  }
};

export const requirePermission = ({ definition }: Known, principal: Principal): void => {
  if (!principal.permissions.has(definition.permission)) throw notPermitted(definition.permission);
};

const askedOf = (filter: Filter, sort: Sort): string =>
  JSON.stringify([
    filter.map(({ column, ...rest }) => [column.name, rest]).sort(byText),
    sort.map(({ column, descending }) => [column.name, column.kind, descending]),
  ]);

const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

/** @throws QuarterdeckError not_permitted, invalid_input. */
export const planOf = (known: Known, principal: Principal, query: URLSearchParams, kind: PlanKind): Plan => {
  requirePermission(known, principal);
  const scope = { shape: known.shape, principal };
  const allowed: readonly string[] = words[kind];
  const word = (name: string): string | undefined =>
    allowed.includes(name) ? wordOf(query, name) : undefined;
  const conditions = [...query].filter(([name]) => !allowed.includes(name));
  const stray = conditions.find(([name]) => kind === 'get' || isWord(name));
  if (stray !== undefined) throw invalidInput(stray[0], `Not taken here; what is: ${allowed.join(', ')}.`);
  const where = word('where');
  if (word('asOf') !== undefined && word('snapshot') !== undefined)
    throw invalidInput('snapshot', 'Name a snapshot or give asOf, not both.');
  const filter = [
    ...filterOfQuery(scope, conditions),
    ...(where === undefined ? [] : filterOfWhere(scope, whereOf(where), 'where')),
  ];
  const sort = sortOf(scope, word('sort'));
  const { permission } = known.definition;
  const fields = selectedFields(known.shape, principal, permission, word('fields'));
  const asked = [...fields, ...filter.map(({ column }) => column), ...sort.map(({ column }) => column)];
  return {
    known,
    rows: rowsReadable(principal, permission, asked),
    fields,
    filter,
    sort,
    limit: limitOf(word('limit')),
    cursor: word('cursor'),
    asOf: word('asOf'),
    snapshot: word('snapshot'),
    asked: askedOf(filter, sort),
  };
};
