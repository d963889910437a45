/** What people may do with tickets. */
import { z } from 'zod';
import { defineCommand, personal, reject } from '../../../src/index.ts';
import { TicketClosed, TicketOpened } from './events.ts';
import { tickets } from './state.ts';

const ticketId = z.string().regex(/^[A-Za-z0-9-]{1,32}$/);

const openTicket = defineCommand({
  name: 'open-ticket',
  summary: 'Open a ticket.',
  input: z.object({ ticketId, title: z.string().min(1), openedBy: personal(z.string()) }),
  stream: tickets,
  id: (input) => input.ticketId,
  permission: 'tickets:open',
  bulk: { field: 'ticketId' },
  decide: (input, ticket) =>
    ticket.status === 'none'
      ? [TicketOpened.of(input)]
      : reject('ticket_exists', `There is a ticket ${input.ticketId} already.`),
});

const closeTicket = defineCommand({
  name: 'close-ticket',
  summary: 'Close a ticket with an answer.',
  input: z.object({ ticketId, answer: z.string().min(1) }),
  stream: tickets,
  id: (input) => input.ticketId,
  permission: 'tickets:close',
  bulk: { field: 'ticketId' },
  decide: (input, ticket) => {
    if (ticket.status === 'none') return reject('not_found', `There is no ticket ${input.ticketId}.`);
    return ticket.status === 'closed' ? [] : [TicketClosed.of(input)];
  },
});

export const ticketCommands = [openTicket, closeTicket];
