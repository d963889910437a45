/** A verification as lines for whoever asked at the command line. */
import { outcomes } from '../request.ts';
import type { Verified } from './verify.ts';

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

export const toldOf = (verified: Verified): readonly string[] => {
  const { jobId, command, state, total, counts, rounds, events, from, to, faults, dryRun } = verified;
  const counted = outcomes.map((name) => `${counts[name]} ${name}`).join(', ');
  const lines = [
    `Bulk job ${jobId}: ${command}${dryRun ? ' (dry run)' : ''}, ${state}, ${total} items.`,
    `Positions ${from} to ${to} were read: ${many(rounds, 'round')}, ${many(events, 'event')} of its items.`,
    `Decided: ${counted}.`,
  ];
  if (faults.length > 0) {
    return [
      ...lines,
      ...faults.map(({ position, message }) => `at ${position}: ${message}`),
      'Not proven: what is listed above must not be.',
    ];
  }
  const open = state === 'running' || state === 'paused';
  const which = open ? 'what is decided so far' : 'every item';
  const nothing = 'Proven: it is a dry run, and nothing of it is in the log but its beginning and end.';
  return [
    ...lines,
    dryRun ? nothing : `Proven: ${which} was decided exactly once and took effect exactly once.`,
  ];
};
