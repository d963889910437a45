/**
 * Metadata that differs in its commandId alone, as that of a bulk round's events and of a command's does:
 * what is done for one of a run of them need not be done for the others.
 */
import type { Metadata } from './envelope.ts';
import type { UnitEvent } from './unit.ts';

const alike = (one: Metadata, other: Metadata): boolean => {
  if (one === other) return true;
  if (one.actor.id !== other.actor.id || one.actor.kind !== other.actor.kind) return false;
  for (const name in other) if (!(name in one)) return false;
  for (const name in one) {
    const differs = one[name as keyof Metadata] !== other[name as keyof Metadata];
    if (differs && name !== 'commandId' && name !== 'actor') return false;
  }
  return true;
};

/** For each event the first metadata of its run. */
export const runsOf = (events: readonly UnitEvent[]): readonly Metadata[] => {
  let first: Metadata | undefined;
  return events.map(({ metadata }) => {
    if (first === undefined || !alike(first, metadata)) first = metadata;
    return first;
  });
};
