/**
 * What compliance does, as it stands in the log: erasures on `erasure-<subject>`, legal holds together on one stream,
 * so that a hold and an erasure cannot pass each other by, and rewrapped keys on `$keys`.
 */
import { z } from 'zod';
import { defineEvent, type EventOf } from '../events/definition.ts';
import { legalBases } from './bases.ts';

const subject = z.string();
const counts = z.record(z.string(), z.int());
const about = (data: { readonly subject: string }): readonly string[] => [
  data.subject,
  `erasure-${data.subject}`,
];

/** The key of the subject was destroyed with this event. `statute`: which one, where the basis is another. */
export const SubjectErased = defineEvent({
  type: 'SubjectErased',
  schema: z.object({ subject, basis: z.enum(legalBases), statute: z.string().optional() }),
  refs: about,
});

/** A restored backup had brought the key back; `position` and `erasedAt` are those of the erasure itself. */
export const ErasureReapplied = defineEvent({
  type: 'ErasureReapplied',
  schema: z.object({ subject, position: z.int(), erasedAt: z.string() }),
  refs: about,
});

/** No copy in the database holds anything of the subject any more; how many there were, by kind. */
export const SubjectScrubbed = defineEvent({
  type: 'SubjectScrubbed',
  schema: z.object({ subject, counts }),
  refs: about,
});

const hold = z.string();

export const LegalHoldPlaced = defineEvent({
  type: 'LegalHoldPlaced',
  schema: z.object({ holdId: hold, subject, matter: z.string() }),
  refs: (data) => [data.subject, `erasure-${data.subject}`],
});

export const LegalHoldLifted = defineEvent({
  type: 'LegalHoldLifted',
  schema: z.object({ holdId: hold, subject }),
  refs: (data) => [data.subject, `erasure-${data.subject}`],
});

/** `keys` were wrapped anew by the master key of that id. */
export const KeysRewrapped = defineEvent({
  type: 'KeysRewrapped',
  schema: z.object({ masterKey: z.string(), keys: z.int() }),
  refs: () => [],
});

export const complianceEvents = [
  SubjectErased,
  ErasureReapplied,
  SubjectScrubbed,
  LegalHoldPlaced,
  LegalHoldLifted,
  KeysRewrapped,
] as const;

export type ErasureEvent = EventOf<typeof SubjectErased | typeof ErasureReapplied | typeof SubjectScrubbed>;
export type HoldEvent = EventOf<typeof LegalHoldPlaced | typeof LegalHoldLifted>;
