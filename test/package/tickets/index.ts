/** The tickets area, of an application that is not this repository's service. */
import { defineArea } from '../../../src/index.ts';
import { ticketCommands } from './commands.ts';
import { ticketEvents } from './events.ts';
import { ticketRows } from './projections.ts';
import { tickets } from './state.ts';

export const ticketsArea = defineArea({
  name: 'tickets',
  events: ticketEvents,
  streams: [tickets],
  commands: ticketCommands,
  projections: [ticketRows],
});
