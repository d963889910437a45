/** What was asked for and why, as whoever asked said it. */
import { Text } from '@mantine/core';
import type { Job } from '../api/types.ts';
import { words } from '../parts/written.ts';

const operators: Readonly<Record<string, string>> = {
  ne: 'is not',
  in: 'is one of',
  lt: 'below',
  lte: 'at most',
  gt: 'above',
  gte: 'at least',
  prefix: 'begins with',
  null: 'is empty:',
};

const valueSaid = (value: unknown): string => (Array.isArray(value) ? value.join(', ') : String(value));

/** `{"monthlyCharges":{"gte":"50"}}` → `monthly charges at least 50`. */
const conditionSaid = ([field, asked]: [string, unknown]): readonly string[] => {
  const name = words(field).toLowerCase();
  if (typeof asked !== 'object' || asked === null) return [`${name} ${valueSaid(asked)}`];
  return Object.entries(asked).map(
    ([operator, value]) => `${name} ${operators[operator] ?? operator} ${valueSaid(value)}`,
  );
};

export const whereSaid = (where: Readonly<Record<string, unknown>>): string => {
  const told = Object.entries(where).flatMap(conditionSaid);
  return told.length === 0 ? 'every row' : told.join(', ');
};

export const AskedLine = ({ job: { where, reason } }: { readonly job: Job }) => {
  if (where === undefined && reason === undefined) return null;
  return (
    <Text size="sm" component="div" data-testid="job-asked">
      {where !== undefined && <div>On {whereSaid(where)}</div>}
      {reason !== undefined && <div className="quiet">“{reason}”</div>}
    </Text>
  );
};
