/**
 * Which items of a job were decided, and which of its events they name. Memory: a byte an item, and the
 * events of the round at hand, because a round's events and its record are appended together.
 */
import type { z } from 'zod';
import type { BulkItemsDecided } from '../engine-events.ts';
import { type Outcome, outcomes } from '../request.ts';

export type Round = z.output<typeof BulkItemsDecided.schema>;

export type Counts = Readonly<Record<Outcome, number>>;

type SayFault = (position: number, message: string) => void;

export interface Ledger {
  readonly counts: Counts;
  undecided(): number;
  /** An event of the job, which the next round's record has to name. */
  appended(position: number, stream: string): void;
  decided(position: number, round: Round): void;
  /** Whatever no record named. */
  settle(): void;
}

export const createLedger = (total: number, fault: SayFault): Ledger => {
  const counts = Object.fromEntries(outcomes.map((name) => [name, 0])) as Record<Outcome, number>;
  const seen = new Uint8Array(total);
  const unclaimed = new Map<number, string>();
  let undecided = total;

  const mark = (position: number, index: number): void => {
    if (index >= total) fault(position, `There is no item ${index}.`);
    else if (seen[index] === 1) fault(position, `Item ${index} was decided twice.`);
    else {
      seen[index] = 1;
      undecided--;
    }
  };

  const claim = (position: number, index: number, at: number, stream: string): void => {
    const where = unclaimed.get(at);
    unclaimed.delete(at);
    if (where === stream) return;
    const instead = where === undefined ? "not one of this round's" : `on ${where}`;
    fault(position, `Item ${index} names the event ${at}, which is ${instead}.`);
  };

  const settle = (): void => {
    for (const [position, stream] of unclaimed) {
      fault(position, `An event of the job on ${stream} that no item of its round names.`);
    }
    unclaimed.clear();
  };

  return {
    counts,
    undecided: () => undecided,
    settle,
    appended(position, stream) {
      unclaimed.set(position, stream);
    },
    decided(position, { prefix, items }) {
      for (const { index, target, outcome, positions } of items) {
        mark(position, index);
        counts[outcome]++;
        if ((outcome === 'succeeded') !== positions.length > 0) {
          fault(position, `Item ${index} is ${outcome} and names ${positions.length} events.`);
        }
        for (const at of positions) claim(position, index, at, `${prefix}-${target}`);
      }
      settle();
    },
  };
};
