/**
 * What a round is about to commit: each group with its unit and the outcomes of its items, which become
 * final when the append admits the unit. Pure.
 */
import type { StreamDecision, Verdict } from '../commands/deciding.ts';
import type { Admission } from '../events/log.ts';
import type { PreparedUnit, Unit } from '../events/unit.ts';
import type { StoredOutcome } from './outcomes.ts';
import { type Group, outcomeOf, type Work } from './work.ts';

export interface Proposed {
  readonly group: Group;
  readonly unit: Unit;
  /** In the order of the group's items; `p` counts from the unit's first event until it is known. */
  readonly outcomes: readonly StoredOutcome[];
  /** Likewise: the states before and after each. */
  readonly verdicts: readonly Verdict[];
}

/** Its events sealed and encoded, which needs no lock. */
export type Prepared = Proposed & { readonly prepared: PreparedUnit };

export const proposalOf = ({ job }: Work, group: Group, { unit, verdicts }: StreamDecision): Proposed => {
  let first = 0;
  const decidedOn = job.dryRun ? { v: baseOf(verdicts) } : {};
  const outcomes = group.items.map((item, n) => {
    const { outcome, rejection, events } = verdicts[n] as Verdict;
    if (rejection !== undefined) {
      const { rejection: c, message: m } = rejection;
      return outcomeOf(item, { o: 'rejected', c, m, ...decidedOn });
    }
    if (events.length === 0) return outcomeOf(item, { o: outcome, ...decidedOn });
    first += events.length;
    const types = job.dryRun ? { w: events.map(({ type }) => type) } : {};
    return outcomeOf(item, { o: outcome, p: [first - events.length, events.length], ...types, ...decidedOn });
  });
  return { group, unit, outcomes, verdicts };
};

/** The version of the stream as it was loaded. */
export const baseOf = ([first]: readonly Verdict[]): number =>
  first === undefined ? 0 : first.version - first.events.length;

export interface Admitted {
  readonly proposed: readonly Prepared[];
  readonly conflicting: readonly Group[];
  /** Several items share the unit, so nobody knows whose claim is taken: to be tried item by item. */
  readonly claimed: readonly Group[];
  /** Of a single item it is that item's rejection. */
  readonly taken: readonly StoredOutcome[];
}

export const sortAdmitted = (proposed: readonly Prepared[], refused: Admission['refused']): Admitted => {
  const conflicting: Group[] = [];
  const claimed: Group[] = [];
  const taken: StoredOutcome[] = [];
  proposed.forEach(({ group }, n) => {
    const refusal = refused[n];
    if (refusal === undefined) return;
    const [item, ...more] = group.items;
    if (refusal.cause !== 'claimed') conflicting.push(group);
    else if (item === undefined || more.length > 0) claimed.push(group);
    else {
      const m = 'Something that only one may hold is taken.';
      taken.push(outcomeOf(item, { o: 'rejected', c: refusal.code, m }));
    }
  });
  return { proposed: proposed.filter((_, n) => refused[n] === undefined), conflicting, claimed, taken };
};

export const eventsIn = (proposed: readonly Proposed[]): number =>
  proposed.reduce((sum, { unit }) => sum + unit.events.length, 0);

/** Positions follow the head without a gap, unit by unit, in the order in which they will be written. */
export const placed = (proposed: readonly Proposed[], head: number): readonly StoredOutcome[] => {
  let before = head + 1;
  return proposed.flatMap(({ unit, outcomes }) => {
    const start = before;
    before += unit.events.length;
    return outcomes.map((one) =>
      one.p === undefined ? one : { ...one, p: [start + one.p[0], one.p[1]] as const },
    );
  });
};
