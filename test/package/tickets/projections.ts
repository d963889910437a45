/** The read model `tickets`. */
import { z } from 'zod';
import { defineProjection } from '../../../src/index.ts';
import { type TicketEvent, ticketEvents } from './events.ts';
import { tickets } from './state.ts';

const row = z.object({
  ticketId: z.string(),
  title: z.string(),
  openedBy: z.string(),
  status: z.enum(['open', 'closed']),
  answer: z.string().nullable(),
});

export const ticketRows = defineProjection<typeof row, TicketEvent>({
  name: 'tickets',
  summary: 'All tickets.',
  version: 1,
  schema: row,
  keyField: 'ticketId',
  fields: { status: { index: true }, openedBy: { personal: true } },
  events: ticketEvents.map(({ type }) => type),
  keys: ({ data }) => [data.ticketId],
  evolve: (before, event) =>
    event.type === 'TicketOpened'
      ? { ...event.data, status: 'open', answer: null }
      : before && { ...before, status: 'closed', answer: event.data.answer },
  stream: tickets.of,
  permission: 'tickets:read',
});
