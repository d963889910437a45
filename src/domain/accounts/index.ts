/** The accounts area: customers' accounts from opening to closing. */
import { defineArea } from '../../area.ts';
import { accountRef } from '../kernel/account-ref.ts';
import { accountCommands } from './commands.ts';
import { accountEvents } from './events.ts';
import { accountId } from './fields.ts';
import { accountRows } from './projections.ts';
import { accounts } from './state.ts';

export const accountsArea = defineArea({
  name: 'accounts',
  events: accountEvents,
  streams: [accounts],
  commands: accountCommands,
  projections: [accountRows],
  subjects: { accountId: { field: accountId, subject: accountRef } },
});
