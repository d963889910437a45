/**
 * What support may do. Nothing new begins on a closed account, but access to one can be revoked at any
 * time: taking a right away must never fail for a reason that has nothing to do with it.
 */
import { z } from 'zod';
import { defineCommand, reject } from '../../commands/definition.ts';
import { personal } from '../../events/personal.ts';
import { onAccount, unlessOpen } from '../kernel/account-standing.ts';
import { freeText, id, momentInTime, text } from '../kernel/fields.ts';
import { NoteAdded, SupportAccessGranted, SupportAccessRevoked } from './events.ts';
import { grants, notes } from './state.ts';

const accountId = id('account');
const noteId = id('note');
const grantId = id('grant');

const addNote = defineCommand({
  ...onAccount,
  name: 'add-note',
  summary: 'Add a note to an account.',
  stream: notes,
  id: (input) => input.noteId,
  permission: 'support:note',
  irreversible: 'Notes are kept as they were written; put one right with another.',
  bulk: { field: 'noteId' },
  input: z.object({ noteId, accountId, text: personal(freeText()) }),
  decide: ({ noteId, accountId, text }, note, { read: { account } }) => {
    if (note.status === 'written') {
      const same = note.accountId === accountId && note.text === text;
      return same ? [] : reject('note_exists', `There is another note ${noteId} already.`);
    }
    return unlessOpen(account, accountId) ?? [NoteAdded.of({ noteId, accountId, text })];
  },
});

const grantSupportAccess = defineCommand({
  ...onAccount,
  name: 'grant-support-access',
  summary: 'Let somebody into an account for support, until a moment.',
  stream: grants,
  id: (input) => input.grantId,
  permission: 'support:grant',
  bulk: { field: 'grantId' },
  input: z.object({
    grantId,
    accountId,
    grantee: personal(text(200)).describe('Who gets access.'),
    until: momentInTime(),
    reason: personal(freeText()),
  }),
  inverse: {
    command: 'revoke-support-access',
    input: ({ grantId }, _before, { reason = 'Granted by mistake.' }) => ({ grantId, reason }),
  },
  decide: ({ grantId, accountId, grantee, until, reason }, grant, { now, read: { account } }) => {
    if (grant.status !== 'ungranted') {
      return reject('grant_exists', `There is a grant ${grantId} already.`);
    }
    const refused = unlessOpen(account, accountId);
    if (refused !== undefined) return refused;
    if (until <= now) return reject('until_not_in_future', 'The access must end later than now.');
    return [SupportAccessGranted.of({ grantId, accountId, grantee, until, reason })];
  },
});

const revokeSupportAccess = defineCommand({
  name: 'revoke-support-access',
  summary: 'End somebody’s support access to an account.',
  stream: grants,
  id: (input) => input.grantId,
  permission: 'support:revoke',
  irreversible: 'Access that was revoked is granted anew, under another grant id.',
  bulk: { field: 'grantId' },
  input: z.object({ grantId, reason: personal(freeText()) }),
  decide: ({ grantId, reason }, grant) => {
    if (grant.status === 'ungranted') return reject('not_found', `There is no grant ${grantId}.`);
    if (grant.status === 'revoked') return [];
    return [SupportAccessRevoked.of({ grantId, accountId: grant.accountId, reason })];
  },
});

export const supportCommands = [addNote, grantSupportAccess, revokeSupportAccess];
