/** The support area: notes on accounts, and who may look into an account for how long. */
import { defineArea } from '../../area.ts';
import { supportCommands } from './commands.ts';
import { grantEvents, noteEvents } from './events.ts';
import { grantRows, noteRows } from './projections.ts';
import { grants, notes } from './state.ts';

export const supportArea = defineArea({
  name: 'support',
  events: [...noteEvents, ...grantEvents],
  streams: [notes, grants],
  commands: supportCommands,
  projections: [noteRows, grantRows],
});
