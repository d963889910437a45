/**
 * Commits a round in one statement, provided that all its units are admitted. Positions are counted from
 * the head of the log until the database, holding the append lock, puts them in.
 */
import { arrayText } from '../db/array-text.ts';
import type { Db } from '../db/pool.ts';
import { argumentsOf, collide } from '../events/append.ts';
import type { PreparedUnit } from '../events/unit.ts';
import { cutAt, inOutcomes, inRecord } from './ahead.ts';
import { countsOf, type StoredOutcome } from './outcomes.ts';
import { type CommitRow, commitRound } from './sql/commit-round.ts';
import type { Work } from './work.ts';

interface Round {
  /** First what the job's control stream must be at, last the record of the round, a single event. */
  readonly units: readonly PreparedUnit[];
  readonly outcomes: readonly StoredOutcome[];
  readonly leaseSeconds: number;
}

/** The position of the record; or why nothing was written. */
export type Committed = number | 'stopped' | 'refused';

export const commitAtOnce = async (
  pool: Db,
  { job, chunk, lease, rounds }: Work,
  { units, outcomes, leaseSeconds }: Round,
): Promise<Committed> => {
  if (collide(units.map(({ unit }) => unit))) return 'refused';
  const ended = cutAt(JSON.stringify(outcomes), inOutcomes);
  const { record, others } = recordIn(units);
  const counts = arrayText(countsOf(outcomes));
  const { rows } = await pool.query<CommitRow>({
    ...commitRound,
    values: [
      ...[job.id, chunk, lease, rounds, job.controlVersion, leaseSeconds, counts],
      ...[ended.lines, ended.ahead, record.lines, record.ahead],
      ...argumentsOf(others),
    ],
  });
  return committedOf(rows[0] as CommitRow, units);
};

/** The record's text apart, and the units with an empty one in its place. */
const recordIn = (units: readonly PreparedUnit[]) => {
  const last = units.at(-1) as PreparedUnit;
  const events = last.events.map((event) => ({ ...event, data: '' }));
  const record = cutAt(last.events[0]?.data ?? '', inRecord);
  return { record, others: [...units.slice(0, -1), { ...last, events }] };
};

/** The control stream is the first unit's; any other that is refused met a conflict. */
const committedOf = (row: CommitRow, units: readonly PreparedUnit[]): Committed => {
  const { stopped, head_position: head, refused_unit: refused } = row;
  if (stopped || head === null || refused?.includes(0) === true) return 'stopped';
  if (refused !== null && refused.length > 0) return 'refused';
  return head + units.reduce((sum, { events }) => sum + events.length, 0);
};
