/** The outcomes an item can have, in the order in which they are told. */
import type { Job } from '../api/types.ts';

export const outcomes = [
  { name: 'succeeded', color: 'teal.6' },
  { name: 'unchanged', color: 'gray.5' },
  { name: 'rejected', color: 'orange.6' },
  { name: 'failed', color: 'red.7' },
  { name: 'skipped', color: 'gray.6' },
  { name: 'cancelled', color: 'gray.7' },
] as const;

/** Outcomes that are rare are told only where they happened. */
const always = new Set<string>(['succeeded', 'unchanged', 'rejected', 'failed']);

export const toldOutcomes = (job: Job) =>
  outcomes
    .map((outcome) => ({ ...outcome, count: job[outcome.name] ?? 0 }))
    .filter((o) => o.count > 0 || always.has(o.name));

export const decided = (job: Job): number => outcomes.reduce((sum, { name }) => sum + (job[name] ?? 0), 0);
