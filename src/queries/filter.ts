/**
 * The grammar of filters: `field=value` and `field[operator]=value` in a query string, the same as JSON
 * in `where`, both parsed into one list of conditions, all of which a row must meet.
 *
 * `ne` also holds for rows without a value; every other comparison does not.
 */
import type { Principal } from '../access/principal.ts';
import { invalidInput } from '../errors.ts';
import type { Column, ColumnKind, TableShape } from './columns.ts';
import { fieldNamed } from './selection.ts';
import { type Value, valueOfJson, valueOfText } from './values.ts';

export const operators = ['eq', 'ne', 'in', 'lt', 'lte', 'gt', 'gte', 'prefix', 'null'] as const;
export type Operator = (typeof operators)[number];

export type Condition =
  | { readonly column: Column; readonly operator: 'in'; readonly values: readonly Value[] }
  | { readonly column: Column; readonly operator: 'null'; readonly holds: boolean }
  | {
      readonly column: Column;
      readonly operator: Exclude<Operator, 'in' | 'null'>;
      readonly value: Value;
    };

export type Filter = readonly Condition[];

/** Whose filter it is, over which fields. */
export interface FilterScope {
  readonly shape: TableShape;
  readonly principal: Principal;
}

const conditionsMax = 50;
const valuesMax = 1_000;

const same: readonly Operator[] = ['eq', 'ne', 'in', 'null'];
const ordered: readonly Operator[] = [...same, 'lt', 'lte', 'gt', 'gte'];

/** What may be asked of a field of each kind; for the OpenAPI document too. */
export const operatorsOf: Readonly<Record<ColumnKind, readonly Operator[]>> = {
  text: [...ordered, 'prefix'],
  choice: same,
  time: ordered,
  date: ordered,
  integer: ordered,
  number: ordered,
  money: ordered,
  boolean: ['eq', 'ne', 'null'],
  json: ['null'],
};

const operatorFor = (column: Column, word: string, path: string): Operator => {
  const allowed = operatorsOf[column.kind];
  const operator = allowed.find((o) => o === word);
  if (operator === undefined) {
    throw invalidInput(
      path,
      `"${word.slice(0, 100)}" cannot be asked of ${column.name}; what can is ${allowed.join(', ')}.`,
    );
  }
  return operator;
};

const holdsOf = (value: unknown, path: string): boolean => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw invalidInput(path, 'Give true or false.');
};

const atMost = <T>(items: readonly T[], max: number, path: string, what: string): readonly T[] => {
  if (items.length > max) throw invalidInput(path, `Give at most ${max} ${what}.`);
  return items;
};

/** Each field and operator once. */
const distinct = (conditions: readonly { condition: Condition; path: string }[]): Filter => {
  const seen = new Set<string>();
  for (const { condition, path } of conditions) {
    const name = `${condition.column.name} ${condition.operator}`;
    if (seen.has(name)) throw invalidInput(path, 'Give it once only; several values go into [in].');
    seen.add(name);
  }
  const last = conditions.at(-1)?.path ?? '';
  return atMost(conditions, conditionsMax, last, 'conditions').map(({ condition }) => condition);
};

const parameter = /^([^[\]]*)(?:\[([^[\]]*)\])?$/;

const ofParameter = ({ shape, principal }: FilterScope, path: string, text: string): Condition => {
  const match = parameter.exec(path);
  const column = fieldNamed(shape, principal, match?.[1] ?? path, path);
  const operator = operatorFor(column, match?.[2] ?? 'eq', path);
  if (operator === 'null') return { column, operator, holds: holdsOf(text, path) };
  if (operator === 'in') {
    const texts = atMost(text.split(','), valuesMax, path, 'values');
    return { column, operator, values: texts.map((t) => valueOfText(column, t, path)) };
  }
  return { column, operator, value: valueOfText(column, text, path) };
};

/** @throws QuarterdeckError invalid_input, not_permitted. */
export const filterOfQuery = (scope: FilterScope, parameters: Iterable<readonly [string, string]>): Filter =>
  distinct([...parameters].map(([path, text]) => ({ condition: ofParameter(scope, path, text), path })));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const ofOperator = (column: Column, word: string, json: unknown, path: string): Condition => {
  const operator = operatorFor(column, word, path);
  if (operator === 'null') return { column, operator, holds: holdsOf(json, path) };
  if (operator === 'in') {
    if (!Array.isArray(json)) throw invalidInput(path, 'Give a list of values.');
    const values = atMost(json as unknown[], valuesMax, path, 'values');
    return { column, operator, values: values.map((v, i) => valueOfJson(column, v, `${path}.${i}`)) };
  }
  return { column, operator, value: valueOfJson(column, json, path) };
};

const ofField = (column: Column, json: unknown, path: string) => {
  if (json === null) return [{ condition: ofOperator(column, 'null', true, path), path }];
  if (!isObject(json)) return [{ condition: ofOperator(column, 'eq', json, path), path }];
  const entries = Object.entries(json);
  if (entries.length === 0) throw invalidInput(path, 'Give a value, or operators like {"gte": "50.00"}.');
  return entries.map(([word, value]) => {
    const place = `${path}.${word}`;
    return { condition: ofOperator(column, word, value, place), path: place };
  });
};

/** `path` is where the JSON stands, for messages. @throws QuarterdeckError invalid_input, not_permitted. */
export const filterOfWhere = ({ shape, principal }: FilterScope, where: unknown, path: string): Filter => {
  if (!isObject(where)) throw invalidInput(path, 'Give an object of fields, like {"status": "active"}.');
  return distinct(
    Object.entries(where).flatMap(([name, json]) => {
      const place = `${path}.${name}`;
      return ofField(fieldNamed(shape, principal, name, place), json, place);
    }),
  );
};
