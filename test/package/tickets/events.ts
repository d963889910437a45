/** What can have happened to tickets. Everything of the engine comes from its package. */
import { z } from 'zod';
import { defineEvent, type EventOf, personal } from '../../../src/index.ts';

const ticketRef = ({ ticketId }: { ticketId: string }): string => `ticket-${ticketId}`;

export const TicketOpened = defineEvent({
  type: 'TicketOpened',
  schema: z.object({ ticketId: z.string(), title: z.string(), openedBy: personal(z.string()) }),
  refs: (data) => [ticketRef(data)],
  subject: ticketRef,
});

export const TicketClosed = defineEvent({
  type: 'TicketClosed',
  schema: z.object({ ticketId: z.string(), answer: z.string() }),
  refs: (data) => [ticketRef(data)],
});

export const ticketEvents = [TicketOpened, TicketClosed] as const;

export type TicketEvent = EventOf<(typeof ticketEvents)[number]>;
