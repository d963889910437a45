/**
 * Items that are meant for a stream as it was at some version: run from a dry run, as it was decided on
 * then; undone, as the job left it. Whatever anybody else did to the stream since stands against them, and
 * stays; what this job did itself, or one that it continues, does not.
 */
import { arrayText } from '../db/array-text.ts';
import type { Queryable } from '../db/pool.ts';
import type { Kept } from './items.ts';
import type { JobRecord } from './job-record.ts';
import type { StoredOutcome } from './outcomes.ts';
import { baseOf, type Proposed } from './proposal.ts';
import { selectTouched } from './sql/previews.ts';
import { type Group, type Item, outcomeOf } from './work.ts';

const changedSincePreview: Kept = {
  c: 'changed_since_preview',
  m: 'It was changed after the dry run had decided it; it is left as it is.',
};

const changedSince: Kept = {
  c: 'changed_since',
  m: 'It was changed after the job that is being undone; it is left as it is.',
};

interface Expectation {
  readonly item: Item;
  readonly stream: string;
  readonly since: number;
  /** The version that was decided on: what comes after it is a conflict of the append. */
  readonly upTo: number;
  readonly kept: Kept;
}

const expectationsOf = ({ group, verdicts }: Proposed): readonly Expectation[] => {
  const upTo = baseOf(verdicts);
  return group.items.flatMap((item) => {
    const { d, v } = item.stored;
    return [
      ...(d === undefined ? [] : [{ since: d, kept: changedSincePreview }]),
      ...(v === undefined ? [] : [{ since: v, kept: changedSince }]),
    ]
      .filter(({ since }) => since < upTo)
      .map((one) => ({ ...one, item, stream: group.stream, upTo }));
  });
};

export interface Left {
  /** As proposed, but for those of which an item is left alone. */
  readonly proposed: readonly Proposed[];
  readonly outcomes: readonly StoredOutcome[];
  /** What remains of groups that lost an item: to be decided without it. */
  readonly again: readonly Group[];
}

/** Asks the database only about streams that moved. What was touched once stays so: no condition is needed. */
export const leaveTouched = async (
  db: Queryable,
  { id, retryOf, undoOf }: Pick<JobRecord, 'id' | 'retryOf' | 'undoOf'>,
  proposed: readonly Proposed[],
): Promise<Left> => {
  const moved = proposed.flatMap(expectationsOf);
  if (moved.length === 0) return { proposed, outcomes: [], again: [] };
  const values = [
    arrayText(moved.map(({ stream }) => stream)),
    arrayText(moved.map(({ since }) => since)),
    arrayText(moved.map(({ upTo }) => upTo)),
    [id, retryOf, undoOf].filter((one) => one !== null),
  ];
  const { rows } = await db.query<{ nth: number }>({ ...selectTouched, values });
  const left = new Map<Item, Kept>();
  for (const { nth } of rows) {
    const { item, kept } = moved[nth - 1] as Expectation;
    if (!left.has(item)) left.set(item, kept);
  }
  const whole = ({ group }: Proposed): boolean => !group.items.some((item) => left.has(item));
  return {
    proposed: proposed.filter(whole),
    outcomes: [...left].map(([item, kept]) => outcomeOf(item, { o: 'skipped', ...kept })),
    again: proposed.flatMap((one) => (whole(one) ? [] : remainder(one.group, left))),
  };
};

const remainder = (group: Group, left: ReadonlyMap<Item, Kept>): readonly Group[] => {
  const items = group.items.filter((item) => !left.has(item));
  return items.length === 0 ? [] : [{ ...group, items }];
};
