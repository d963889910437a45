/** States of invoices and credits, as far as a decision depends on them or a reader of the log asks. */
import { defineStream } from '../../commands/stream.ts';
import { add, exceeds, type Money, subtract, zero } from '../kernel/money.ts';
import type { CreditEvent, InvoiceEvent } from './events.ts';

export interface RaisedInvoice {
  /** `paid` once nothing is due any more; a refund does not open it again. */
  readonly status: 'open' | 'paid' | 'void';
  readonly invoiceId: string;
  readonly accountId: string;
  readonly amount: Money;
  readonly dueOn: string;
  readonly paid: Money;
  readonly refunded: Money;
}

export type Invoice = { readonly status: 'unraised' } | RaisedInvoice;

export const due = ({ amount, paid }: RaisedInvoice): Money => subtract(amount, paid);

/** What was paid and not given back. */
export const kept = ({ paid, refunded }: RaisedInvoice): Money => subtract(paid, refunded);

const evolveInvoice = (invoice: Invoice, event: InvoiceEvent): Invoice => {
  if (event.type === 'InvoiceRaised') {
    const nothing = zero(event.data.amount.currency);
    return { status: 'open', ...event.data, paid: nothing, refunded: nothing };
  }
  return invoice.status === 'unraised' ? invoice : changed(invoice, event);
};

const changed = (invoice: RaisedInvoice, event: InvoiceEvent): RaisedInvoice => {
  switch (event.type) {
    case 'InvoiceSettled': {
      const paid = add(invoice.paid, event.data.amount);
      return { ...invoice, paid, status: exceeds(invoice.amount, paid) ? 'open' : 'paid' };
    }
    case 'InvoiceVoided':
      return { ...invoice, status: 'void' };
    case 'InvoiceRefunded':
      return { ...invoice, refunded: add(invoice.refunded, event.data.amount) };
    default:
      return invoice;
  }
};

export const invoices = defineStream<Invoice, InvoiceEvent>({
  prefix: 'invoice',
  initialState: { status: 'unraised' },
  evolve: evolveInvoice,
  notes: { permission: 'billing:read' },
});

export type Credit =
  | { readonly status: 'unissued' }
  | {
      readonly status: 'issued';
      readonly creditId: string;
      readonly accountId: string;
      readonly amount: Money;
    };

export const credits = defineStream<Credit, CreditEvent>({
  prefix: 'credit',
  initialState: { status: 'unissued' },
  evolve: (credit, event) => {
    if (event.type !== 'CreditIssued') return credit;
    const { creditId, accountId, amount } = event.data;
    return { status: 'issued', creditId, accountId, amount };
  },
  notes: { permission: 'billing:read' },
});
