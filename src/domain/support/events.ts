/** What can have happened to notes and to support's access to an account. */
import { z } from 'zod';
import { defineEvent, type EventOf } from '../../events/definition.ts';
import { personal } from '../../events/personal.ts';
import { accountRef, accountSubject } from '../kernel/account-ref.ts';

/** As the rows of `notes` and `access-grants` have it. */
const permission = 'support:read';

export const NoteAdded = defineEvent({
  type: 'NoteAdded',
  schema: z.object({ noteId: z.string(), accountId: z.string(), text: personal(z.string()) }),
  refs: ({ noteId, accountId }) => [`note-${noteId}`, accountRef(accountId)],
  subject: accountSubject,
  permission,
});

const grantAndAccount = (data: { grantId: string; accountId: string }): readonly string[] => [
  `grant-${data.grantId}`,
  accountRef(data.accountId),
];

/** `until` is when it ends by itself: no event says so. */
export const SupportAccessGranted = defineEvent({
  type: 'SupportAccessGranted',
  schema: z.object({
    grantId: z.string(),
    accountId: z.string(),
    grantee: personal(z.string()),
    until: z.string(),
    reason: personal(z.string()),
  }),
  refs: grantAndAccount,
  subject: accountSubject,
  permission,
});

export const SupportAccessRevoked = defineEvent({
  type: 'SupportAccessRevoked',
  schema: z.object({ grantId: z.string(), accountId: z.string(), reason: personal(z.string()) }),
  refs: grantAndAccount,
  subject: accountSubject,
  permission,
});

export const noteEvents = [NoteAdded] as const;
export const grantEvents = [SupportAccessGranted, SupportAccessRevoked] as const;

export type NoteEvent = EventOf<(typeof noteEvents)[number]>;
export type GrantEvent = EventOf<(typeof grantEvents)[number]>;
