/** The billing area: invoices, their payments and refunds, and credits. */
import { defineArea } from '../../area.ts';
import { billingCommands } from './commands.ts';
import { creditEvents, invoiceEvents } from './events.ts';
import { creditRows, invoiceRows } from './projections.ts';
import { credits, invoices } from './state.ts';

export const billingArea = defineArea({
  name: 'billing',
  events: [...invoiceEvents, ...creditEvents],
  streams: [invoices, credits],
  commands: billingCommands,
  projections: [invoiceRows, creditRows],
});
