/** The read models `notes` and `access-grants`. */
import { z } from 'zod';
import { defineProjection } from '../../queries/definition.ts';
import { accountSubject, belongsToAccount } from '../kernel/account-ref.ts';
import { type GrantEvent, grantEvents, type NoteEvent, noteEvents } from './events.ts';
import { grants, notes } from './state.ts';

const noteRow = z.object({
  noteId: z.string(),
  accountId: z.string(),
  text: z.string(),
  writtenBy: z.string(),
  writtenAt: z.iso.datetime(),
});

export const noteRows = defineProjection<typeof noteRow, NoteEvent>({
  name: 'notes',
  summary: 'Notes on accounts.',
  version: 1,
  schema: noteRow,
  keyField: 'noteId',
  fields: { accountId: { index: true }, text: { personal: true } },
  events: noteEvents.map(({ type }) => type),
  keys: ({ data }) => [data.noteId],
  evolve: (_before, { data, metadata, recordedAt }) => ({
    noteId: data.noteId,
    accountId: data.accountId,
    text: data.text,
    writtenBy: metadata.actor.id,
    writtenAt: recordedAt,
  }),
  stream: notes.of,
  permission: 'support:read',
  belongsTo: belongsToAccount,
  subject: accountSubject,
});

const grantRow = z.object({
  grantId: z.string(),
  accountId: z.string(),
  grantee: z.string(),
  status: z.enum(['granted', 'revoked']),
  until: z.iso.datetime(),
  reason: z.string(),
  grantedBy: z.string(),
  grantedAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().nullable(),
});

export const grantRows = defineProjection<typeof grantRow, GrantEvent>({
  name: 'access-grants',
  summary: 'Who was let into which account for support, and until when.',
  version: 1,
  schema: grantRow,
  keyField: 'grantId',
  fields: {
    accountId: { index: true },
    grantee: { personal: true },
    reason: { personal: true, description: 'Why it was granted, or revoked.' },
    until: { index: true, description: 'When it ends by itself, whatever its status says.' },
  },
  events: grantEvents.map(({ type }) => type),
  keys: ({ data }) => [data.grantId],
  evolve: (before, event) => {
    const { data, metadata, recordedAt } = event;
    if (event.type === 'SupportAccessGranted') {
      const granted = { grantedBy: metadata.actor.id, grantedAt: recordedAt, revokedAt: null };
      return { ...event.data, ...granted, status: 'granted' };
    }
    return before && { ...before, status: 'revoked', reason: data.reason, revokedAt: recordedAt };
  },
  stream: grants.of,
  permission: 'support:read',
  belongsTo: belongsToAccount,
  subject: accountSubject,
});
