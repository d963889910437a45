/** Erasures and legal holds as rows: `GET /internal/v1/erasures` and `/legal-holds`, as of any moment too. */
import { z } from 'zod';
import { defineProjection } from '../queries/definition.ts';
import { legalBases } from './bases.ts';
import type { ErasureEvent, HoldEvent } from './events.ts';
import { allHolds, erasures, legalHolds } from './state.ts';

const moment = z.iso.datetime({ precision: 6 });

const erasureRow = z.object({
  subject: z.string(),
  /** erased: the key is gone, copies are being scrubbed; scrubbed: they are. */
  state: z.enum(['erased', 'scrubbed']),
  /** null: known from the mirror alone, the database being a backup from before. */
  basis: z.enum(legalBases).nullable(),
  statute: z.string().nullable(),
  /** null where a start did it again by itself, and nothing more is known. */
  erasedBy: z.string().nullable(),
  erasedAt: moment,
  scrubbedAt: moment.nullable(),
  /** Copies that were scrubbed, by kind. */
  scrubbed: z.record(z.string(), z.int()).nullable(),
  /** When a restored backup had brought the key back last, and it was destroyed again. */
  reappliedAt: moment.nullable(),
});

type ErasureRow = z.output<typeof erasureRow>;

const empty = {
  basis: null,
  statute: null,
  erasedBy: null,
  scrubbedAt: null,
  scrubbed: null,
  reappliedAt: null,
};

export const erasureRows = defineProjection<typeof erasureRow, ErasureEvent>({
  name: 'erasures',
  summary: 'Whose personal data was erased, on which ground, and how far its copies are scrubbed.',
  version: 1,
  schema: erasureRow,
  keyField: 'subject',
  fields: { state: { index: true }, erasedAt: { index: true } },
  events: ['SubjectErased', 'ErasureReapplied', 'SubjectScrubbed'],
  keys: (event) => [event.data.subject],
  evolve(before, event): ErasureRow | undefined {
    const { recordedAt, metadata } = event;
    switch (event.type) {
      case 'SubjectErased': {
        const { subject, basis, statute = null } = event.data;
        const erasedBy = metadata.actor.id;
        return { ...empty, subject, state: 'erased', basis, statute, erasedBy, erasedAt: recordedAt };
      }
      case 'ErasureReapplied': {
        const { subject, erasedAt } = event.data;
        return { ...empty, erasedAt, ...before, subject, state: 'erased', reappliedAt: recordedAt };
      }
      case 'SubjectScrubbed':
        return (
          before && { ...before, state: 'scrubbed', scrubbedAt: recordedAt, scrubbed: event.data.counts }
        );
      default:
        return before;
    }
  },
  stream: erasures.of,
  permission: 'compliance:read',
});

const holdRow = z.object({
  holdId: z.string(),
  subject: z.string(),
  matter: z.string(),
  state: z.enum(['active', 'lifted']),
  placedBy: z.string(),
  placedAt: moment,
  liftedBy: z.string().nullable(),
  liftedAt: moment.nullable(),
});

export const holdRows = defineProjection<typeof holdRow, HoldEvent>({
  name: 'legal-holds',
  summary: 'Data that may not be erased, and for which matter.',
  version: 1,
  schema: holdRow,
  keyField: 'holdId',
  fields: { subject: { index: true }, state: { index: true } },
  events: ['LegalHoldPlaced', 'LegalHoldLifted'],
  keys: (event) => [event.data.holdId],
  evolve(before, event) {
    const { recordedAt, metadata } = event;
    if (event.type === 'LegalHoldLifted')
      return before && { ...before, state: 'lifted', liftedBy: metadata.actor.id, liftedAt: recordedAt };
    const placed = { placedBy: metadata.actor.id, placedAt: recordedAt, liftedBy: null, liftedAt: null };
    return { ...event.data, state: 'active', ...placed };
  },
  streams: () => [legalHolds.of(allHolds)],
  permission: 'compliance:read',
});
