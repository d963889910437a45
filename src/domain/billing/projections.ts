/** The read models `invoices` and `credits`. */
import { z } from 'zod';
import { defineProjection, type RecordedOf } from '../../queries/definition.ts';
import { accountSubject, belongsToAccount } from '../kernel/account-ref.ts';
import { add, amountOf, type Money, moneyOf, subtract, zero } from '../kernel/money.ts';
import { type CreditEvent, creditEvents, type InvoiceEvent, invoiceEvents } from './events.ts';
import { credits, invoices } from './state.ts';

const money = { money: true } as const;

const invoiceRow = z.object({
  invoiceId: z.string(),
  accountId: z.string(),
  status: z.enum(['open', 'paid', 'void']),
  amount: z.string(),
  paid: z.string(),
  refunded: z.string(),
  due: z.string(),
  currency: z.string(),
  dueOn: z.iso.date(),
  paidOn: z.iso.date().nullable(),
  raisedAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
});

type InvoiceRow = z.output<typeof invoiceRow>;
type Recorded = RecordedOf<InvoiceEvent>;

const raised = ({ data, recordedAt }: Extract<Recorded, { type: 'InvoiceRaised' }>): InvoiceRow => {
  const nothing = amountOf(zero(data.amount.currency));
  return {
    invoiceId: data.invoiceId,
    accountId: data.accountId,
    status: 'open',
    amount: amountOf(data.amount),
    paid: nothing,
    refunded: nothing,
    due: amountOf(data.amount),
    currency: data.amount.currency,
    dueOn: data.dueOn,
    paidOn: null,
    raisedAt: recordedAt,
    changedAt: recordedAt,
  };
};

const settled = (before: InvoiceRow, amount: Money, paidOn: string): Partial<InvoiceRow> => {
  const paid = add(moneyOf(before.paid, before.currency), amount);
  const due = subtract(moneyOf(before.amount, before.currency), paid);
  return { paid: amountOf(paid), due: amountOf(due), status: due.minor > 0 ? 'open' : 'paid', paidOn };
};

const changes = (before: InvoiceRow, event: Recorded): Partial<InvoiceRow> => {
  switch (event.type) {
    case 'InvoiceSettled':
      return settled(before, event.data.amount, event.data.paidOn);
    case 'InvoiceVoided':
      return { status: 'void', due: amountOf(zero(before.currency)) };
    case 'InvoiceRefunded':
      return { refunded: amountOf(add(moneyOf(before.refunded, before.currency), event.data.amount)) };
    default:
      return {};
  }
};

export const invoiceRows = defineProjection<typeof invoiceRow, InvoiceEvent>({
  name: 'invoices',
  summary: 'Invoices, what was paid of them and what is due.',
  version: 1,
  schema: invoiceRow,
  keyField: 'invoiceId',
  fields: {
    accountId: { index: true },
    status: { index: true },
    amount: money,
    paid: money,
    refunded: money,
    due: money,
    dueOn: { index: true },
    paidOn: { description: 'Day of the latest payment.' },
  },
  events: invoiceEvents.map(({ type }) => type),
  keys: ({ data }) => [data.invoiceId],
  evolve: (before, event) => {
    if (event.type === 'InvoiceRaised') return raised(event);
    return before && { ...before, ...changes(before, event), changedAt: event.recordedAt };
  },
  stream: invoices.of,
  permission: 'billing:read',
  belongsTo: belongsToAccount,
});

const creditRow = z.object({
  creditId: z.string(),
  accountId: z.string(),
  amount: z.string(),
  currency: z.string(),
  reason: z.string(),
  issuedBy: z.string(),
  issuedAt: z.iso.datetime(),
});

export const creditRows = defineProjection<typeof creditRow, CreditEvent>({
  name: 'credits',
  summary: 'Credits that accounts were given.',
  version: 1,
  schema: creditRow,
  keyField: 'creditId',
  fields: { accountId: { index: true }, amount: money, reason: { personal: true } },
  events: creditEvents.map(({ type }) => type),
  keys: ({ data }) => [data.creditId],
  evolve: (_before, { data, metadata, recordedAt }) => ({
    creditId: data.creditId,
    accountId: data.accountId,
    amount: amountOf(data.amount),
    currency: data.amount.currency,
    reason: data.reason,
    issuedBy: metadata.actor.id,
    issuedAt: recordedAt,
  }),
  stream: credits.of,
  permission: 'billing:read',
  belongsTo: belongsToAccount,
  subject: accountSubject,
});
