/** What a round takes of a chunk: in input order, so that a failure ratio is judged by a fair sample. */
import type { JobRecord } from '../../src/workers/job-record.ts';
import type { StoredOutcome } from '../../src/workers/outcomes.ts';
import { groupsMax, portionOf } from '../../src/workers/pacing.ts';
import type { Group, Item } from '../../src/workers/work.ts';

const job = (maxRate: number | null): JobRecord => ({ maxRate }) as JobRecord;
const group = (...indexes: number[]): Group => ({
  stream: `crate-${indexes[0]}`,
  items: indexes.map((index) => ({ index }) as Item),
  conflicts: 0,
});
const known = (...indexes: number[]): StoredOutcome[] =>
  indexes.map((x) => ({ x, t: `${x}`, o: 'rejected', c: 'invalid_input' }));
const range = (first: number, count: number): number[] => Array.from({ length: count }, (_, n) => first + n);
const taken = ({ groups, settled, items }: ReturnType<typeof portionOf>) => ({
  groups: groups.flatMap((one) => one.items.map(({ index }) => index)),
  settled: settled.map(({ x }) => x),
  items,
});

test('what is known to be wrong counts with what stands beside it, and no sooner', () => {
  const wrong = range(0, 25).map((n) => n * 20);
  const right = range(0, 500).filter((n) => n % 20 !== 0);
  const first = taken(
    portionOf(
      job(null),
      right.map((n) => group(n)),
      known(...wrong),
    ),
  );
  const last = right[groupsMax - 1] ?? 0;
  const before = wrong.filter((n) => n < last);
  expect(first.groups).toEqual(right.slice(0, groupsMax));
  expect(first.settled).toEqual(before);
  expect(before.length).toBeLessThan(wrong.length);
  expect(first.items).toBe(groupsMax + before.length);
});

test('after the last group comes all that is left; with no group at all, all there is', () => {
  expect(taken(portionOf(job(null), [group(1), group(3)], known(0, 2, 9, 10)))).toEqual({
    groups: [1, 3],
    settled: [0, 2, 9, 10],
    items: 6,
  });
  expect(taken(portionOf(job(null), [], known(4, 5)))).toEqual({ groups: [], settled: [4, 5], items: 2 });
});

test('a rate bounds both kinds together, and a turn always takes something', () => {
  expect(taken(portionOf(job(2), [group(1), group(3)], known(0, 2)))).toEqual({
    groups: [1],
    settled: [0],
    items: 2,
  });
  expect(taken(portionOf(job(1), [group(1)], known(0)))).toEqual({ groups: [], settled: [0], items: 1 });
  expect(taken(portionOf(job(1), [group(1, 2, 3)], known(5)))).toEqual({
    groups: [1, 2, 3],
    settled: [],
    items: 3,
  });
});

test('a group that comes again after a conflict is taken in its turn', () => {
  expect(taken(portionOf(job(null), [group(9), group(2)], known(4, 11)))).toEqual({
    groups: [9, 2],
    settled: [4, 11],
    items: 4,
  });
});
