/** States of notes and of grants of access. What they hold of people is under their account's key. */
import { defineStream } from '../../commands/stream.ts';
import { accountSubject } from '../kernel/account-ref.ts';
import type { GrantEvent, NoteEvent } from './events.ts';

export type Note =
  | { readonly status: 'unwritten' }
  | {
      readonly status: 'written';
      readonly noteId: string;
      readonly accountId: string;
      readonly text: string;
    };

export const notes = defineStream<Note, NoteEvent>({
  prefix: 'note',
  initialState: { status: 'unwritten' },
  evolve: (note, event) => (event.type === 'NoteAdded' ? { status: 'written', ...event.data } : note),
  subject: (note, stream) => (note.status === 'unwritten' ? stream : accountSubject(note)),
  notes: { permission: 'support:read', personal: ['text'] },
});

export type Grant =
  | { readonly status: 'ungranted' }
  | {
      readonly status: 'granted' | 'revoked';
      readonly grantId: string;
      readonly accountId: string;
      readonly grantee: string;
      readonly until: string;
      /** Why it was granted, or revoked. */
      readonly reason: string;
    };

export const grants = defineStream<Grant, GrantEvent>({
  prefix: 'grant',
  initialState: { status: 'ungranted' },
  evolve: (grant, event) => {
    if (event.type === 'SupportAccessGranted') return { status: 'granted', ...event.data };
    if (event.type !== 'SupportAccessRevoked' || grant.status === 'ungranted') return grant;
    return { ...grant, status: 'revoked', reason: event.data.reason };
  },
  subject: (grant, stream) => (grant.status === 'ungranted' ? stream : accountSubject(grant)),
  notes: { permission: 'support:read', personal: ['grantee', 'reason'] },
});
