/**
 * Gets groups decided whatever comes. A fault that a retry may cure (the database is away) is passed on:
 * a later delivery goes on from what was committed. Any other is narrowed down by halves, so that a
 * poison item fails alone, after retries, and takes nothing with it.
 */
import { isQuarterdeckError } from '../errors.ts';
import { passes } from './faults.ts';
import type { StoredOutcome } from './outcomes.ts';
import type { OnError } from './ports.ts';
import { type RoundDone, type Rounds, Stopped } from './round.ts';
import { type Group, outcomeOf, type Work } from './work.ts';

const triesMax = 3;

export interface Settling {
  /** Decides and commits; what met a conflict comes back to be tried again. */
  together(
    work: Work,
    groups: readonly Group[],
    settled: readonly StoredOutcome[],
  ): Promise<readonly Group[]>;
  /** For one that met too many conflicts: decided while nobody else can append. */
  alone(work: Work, group: Group): Promise<void>;
}

interface Options {
  readonly rounds: Rounds;
  readonly onRound: (work: Work, done: RoundDone) => void;
  readonly onError: OnError;
}

type Tried = { readonly done: RoundDone } | { readonly fault: unknown };

export const createSettling = ({ rounds, onRound, onError }: Options): Settling => {
  /** A fault means that nothing of the round was committed: only then may it be tried again at once. */
  const attempt = async (work: Work, round: Promise<RoundDone>): Promise<Tried> => {
    try {
      const done = await round;
      onRound(work, done);
      return { done };
    } catch (fault) {
      if (fault instanceof Stopped || passes(fault)) throw fault;
      return { fault };
    }
  };

  const together: Settling['together'] = async (work, groups, settled) => {
    const tried = await attempt(work, rounds.together(work, groups, settled));
    if ('fault' in tried) return narrowDown(work, groups, settled, tried.fault);
    for (const group of tried.done.claimed) await itemByItem(work, group);
    for (const group of tried.done.conflicting) group.conflicts++;
    return tried.done.conflicting;
  };

  const narrowDown = async (
    work: Work,
    groups: readonly Group[],
    settled: readonly StoredOutcome[],
    fault: unknown,
  ): Promise<readonly Group[]> => {
    const [only, ...more] = groups;
    if (only === undefined) throw fault;
    if (settled.length > 0) {
      await together(work, [], settled);
      return together(work, groups, []);
    }
    if (more.length === 0) {
      await itemByItem(work, only);
      return [];
    }
    const half = Math.ceil(groups.length / 2);
    const first = await together(work, groups.slice(0, half), []);
    return [...first, ...(await together(work, groups.slice(half), []))];
  };

  const itemByItem = async (work: Work, group: Group): Promise<void> => {
    for (const item of group.items) await alone(work, { ...group, items: [item] });
  };

  const alone = async (work: Work, group: Group): Promise<void> => {
    for (let n = 1; ; n++) {
      const tried = await attempt(work, rounds.alone(work, group));
      if ('done' in tried) {
        for (const claimed of tried.done.claimed) await itemByItem(work, claimed);
        return;
      }
      if (group.items.length > 1) return itemByItem(work, group);
      if (n >= triesMax || isRefusal(tried.fault)) return giveUp(work, group, tried.fault);
    }
  };

  const giveUp = async (work: Work, { items }: Group, fault: unknown): Promise<void> => {
    if (!isRefusal(fault)) onError(fault, `deciding an item of the bulk job ${work.job.id}`);
    const outcomes = items.map((item) => outcomeOf(item, outcomeOfFault(fault)));
    onRound(work, await rounds.together(work, [], outcomes));
  };

  return { together, alone };
};

/** What was to be done alongside said no, and says so again. */
const isRefusal = (fault: unknown): boolean => isQuarterdeckError(fault) && fault.code === 'rejected';

/** The fault itself stays in the process's own log; text that cannot be stored is the item's own doing. */
const outcomeOfFault = (fault: unknown): Omit<StoredOutcome, 'x' | 't' | 'l'> =>
  isQuarterdeckError(fault) && (fault.code === 'invalid_input' || fault.code === 'rejected')
    ? { o: 'rejected', c: fault.rejection ?? fault.code, m: fault.message }
    : { o: 'failed', c: 'internal', m: 'A fault here, not a rule; it is in the log of the process.' };
