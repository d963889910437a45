/**
 * Whether a row in memory meets a condition: the very meaning that the condition has in SQL
 * (`sql/select-rows.ts`), which a test compares.
 */
import { compareBytes, compareDecimals } from '../../events/decimals.ts';
import type { Condition, Filter } from '../filter.ts';
import type { Value } from '../values.ts';

const compare = (kind: Condition['column']['kind'], a: unknown, b: Value): number => {
  if (kind === 'money') return compareDecimals(String(a), String(b));
  if (kind === 'integer' || kind === 'number') return Math.sign(Number(a) - Number(b));
  if (kind === 'boolean') return Number(a) - Number(b);
  return compareBytes(String(a), String(b));
};

export const meetsCondition = (row: object, condition: Condition): boolean => {
  const { column } = condition;
  const value = (row as Readonly<Record<string, unknown>>)[column.name] ?? null;
  if (condition.operator === 'null') return (value === null) === condition.holds;
  if (value === null) return condition.operator === 'ne';
  if (condition.operator === 'in') return condition.values.some((v) => compare(column.kind, value, v) === 0);
  if (condition.operator === 'prefix') return String(value).startsWith(String(condition.value));
  const order = compare(column.kind, value, condition.value);
  switch (condition.operator) {
    case 'eq':
      return order === 0;
    case 'ne':
      return order !== 0;
    case 'lt':
      return order < 0;
    case 'lte':
      return order <= 0;
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
  }
};

export const meets = (row: object, filter: Filter): boolean =>
  filter.every((condition) => meetsCondition(row, condition));
