/** What decisions about a ticket need to know. */
import { defineStream } from '../../../src/index.ts';
import type { TicketEvent } from './events.ts';

export interface Ticket {
  readonly status: 'none' | 'open' | 'closed';
}

export const tickets = defineStream<Ticket, TicketEvent>({
  prefix: 'ticket',
  initialState: { status: 'none' },
  evolve: (_ticket, event) => ({ status: event.type === 'TicketOpened' ? 'open' : 'closed' }),
});
