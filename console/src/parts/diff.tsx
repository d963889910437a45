/** A JSON Patch told as people would: field, what it was, what it became. */
import { Text } from '@mantine/core';
import type { Change } from '../api/types.ts';
import { plainValue, words } from './written.ts';

interface DiffProps {
  readonly changes: readonly Change[];
  readonly before?: unknown;
  /** In place of `before`: former values by path. */
  readonly former?: Readonly<Record<string, unknown>>;
}

export const Diff = ({ changes, before, former }: DiffProps) => {
  if (changes.length === 0)
    return (
      <Text size="sm" className="quiet">
        Nothing changes.
      </Text>
    );
  return (
    <dl className="diff">
      {changes.flatMap(wholeObjects).map((change) => (
        <Line
          key={`${change.op} ${change.path}`}
          change={change}
          was={former?.[change.path] ?? at(before, change.path)}
        />
      ))}
    </dl>
  );
};

interface LineProps {
  readonly change: Change;
  readonly was: unknown;
}

const Line = ({ change, was }: LineProps) => {
  const became = change.op === 'remove' ? undefined : change.value;
  return (
    <>
      <dt>{nameOf(change.path)}</dt>
      <dd>
        {was !== undefined && was !== null && <del>{plainValue(was)}</del>}
        {was !== undefined && was !== null && change.op !== 'remove' && ' → '}
        {change.op !== 'remove' && <ins>{plainValue(became)}</ins>}
        {change.op === 'remove' && <span className="quiet"> removed</span>}
      </dd>
    </>
  );
};

/** The first state of a stream is one operation on the whole: told field by field all the same. */
const wholeObjects = (change: Change): readonly Change[] => {
  if (change.path !== '' || typeof change.value !== 'object' || change.value === null) return [change];
  return Object.entries(change.value)
    .filter(([, value]) => plainValue(value) !== '–')
    .map(([name, value]) => ({
      op: 'add',
      path: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      value,
    }));
};

const parts = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

const nameOf = (pointer: string): string => {
  const [first = 'Everything', ...rest] = parts(pointer);
  return [words(first), ...rest].join(' · ');
};

const at = (value: unknown, pointer: string): unknown =>
  parts(pointer).reduce<unknown>(
    (held, part) =>
      typeof held === 'object' && held !== null
        ? (held as Readonly<Record<string, unknown>>)[part]
        : undefined,
    value,
  );
