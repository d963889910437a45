/** What erasures and holds are decided on. */
import { defineStream } from '../commands/stream.ts';
import type { ErasureEvent, HoldEvent } from './events.ts';

export interface Erasure {
  readonly erased: boolean;
}

export const erasures = defineStream<Erasure, ErasureEvent>({
  prefix: 'erasure',
  initialState: { erased: false },
  evolve: (state, { type }) =>
    type === 'SubjectErased' || type === 'ErasureReapplied' ? { erased: true } : state,
});

export interface Hold {
  readonly subject: string;
  readonly active: boolean;
}

export interface Holds {
  /** By id; an id that was used is not used again. */
  readonly holds: Readonly<Record<string, Hold>>;
}

/** All of them on one stream: there are few, and whether a subject is held is one condition of an append. */
export const legalHolds = defineStream<Holds, HoldEvent>({
  prefix: 'legal-holds',
  initialState: { holds: {} },
  evolve: ({ holds }, { type, data }) => {
    if (type !== 'LegalHoldPlaced' && type !== 'LegalHoldLifted') return { holds };
    const { holdId, subject } = data;
    return { holds: { ...holds, [holdId]: { subject, active: type === 'LegalHoldPlaced' } } };
  },
});

/** The one stream of holds. */
export const allHolds = 'all';

export const heldBy = ({ holds }: Holds, subject: string): string | undefined =>
  Object.entries(holds).find(([, hold]) => hold.active && hold.subject === subject)?.[0];
