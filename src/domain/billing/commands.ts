/**
 * What may be done in billing. Nothing new begins on a closed account: no invoice, no credit. What was
 * raised before it closed can still be paid, voided and refunded, since closing an account settles no debt.
 */
import { z } from 'zod';
import { defineCommand, type Rejection, reject } from '../../commands/definition.ts';
import { personal } from '../../events/personal.ts';
import { onAccount, unlessOpen } from '../kernel/account-standing.ts';
import { checkDecimals, currency, positiveAmount, tooPrecise } from '../kernel/amounts.ts';
import { calendarDate, freeText, id } from '../kernel/fields.ts';
import { exceeds, moneyOf, written } from '../kernel/money.ts';
import { CreditIssued, InvoiceRaised, InvoiceRefunded, InvoiceSettled, InvoiceVoided } from './events.ts';
import { isLargeCredit } from './large-credit.ts';
import { credits, due, invoices, kept } from './state.ts';

const invoiceId = id('invoice');
const accountId = id('account');

const onInvoice = {
  stream: invoices,
  id: (input: { invoiceId: string }) => input.invoiceId,
  bulk: { field: 'invoiceId' },
} as const;

const noInvoice = (invoiceId: string): Rejection => reject('not_found', `There is no invoice ${invoiceId}.`);

const raiseInvoice = defineCommand({
  ...onInvoice,
  ...onAccount,
  name: 'raise-invoice',
  summary: 'Raise an invoice on an account, in the account’s currency unless it names another.',
  permission: 'billing:invoice',
  input: z
    .object({
      invoiceId,
      accountId,
      amount: positiveAmount(),
      currency: currency().optional(),
      dueOn: calendarDate(),
    })
    .superRefine(checkDecimals('amount')),
  inverse: {
    command: 'void-invoice',
    input: ({ invoiceId }, _before, { reason = 'Raised by mistake.' }) => ({ invoiceId, reason }),
  },
  decide: (input, invoice, { read: { account } }) => {
    const { invoiceId, accountId, dueOn } = input;
    if (invoice.status !== 'unraised') {
      return reject('invoice_exists', `There is an invoice ${invoiceId} already.`);
    }
    const currency = input.currency ?? account.currency;
    const refused = unlessOpen(account, accountId) ?? tooPrecise(input.amount, currency);
    if (refused !== undefined) return refused;
    return [InvoiceRaised.of({ invoiceId, accountId, amount: moneyOf(input.amount, currency), dueOn })];
  },
});

const settleInvoice = defineCommand({
  ...onInvoice,
  name: 'settle-invoice',
  summary: 'Record a payment of an invoice or of a part of it.',
  permission: 'billing:settle',
  irreversible: 'A payment that came in stays recorded; money is given back by refund-invoice.',
  input: z.object({ invoiceId, amount: positiveAmount(), paidOn: calendarDate() }),
  // A further payment of a paid invoice is money that came in twice, so it is refused and not swallowed.
  decide: ({ invoiceId, amount: given, paidOn }, invoice) => {
    if (invoice.status === 'unraised') return noInvoice(invoiceId);
    if (invoice.status === 'void') return reject('invoice_void', `The invoice ${invoiceId} is void.`);
    if (invoice.status === 'paid') {
      return reject('invoice_settled', `The invoice ${invoiceId} is paid in full; nothing is due.`);
    }
    const refused = tooPrecise(given, invoice.amount.currency);
    if (refused !== undefined) return refused;
    const amount = moneyOf(given, invoice.amount.currency);
    if (exceeds(amount, due(invoice))) {
      return reject(
        'settlement_exceeds_due',
        `Of the invoice ${invoiceId} only ${written(due(invoice))} is due.`,
      );
    }
    return [InvoiceSettled.of({ invoiceId, accountId: invoice.accountId, amount, paidOn })];
  },
});

const voidInvoice = defineCommand({
  ...onInvoice,
  name: 'void-invoice',
  summary: 'Void an invoice of which nothing was paid.',
  permission: 'billing:void',
  irreversible: 'A void invoice stays void; what is still owed needs a new one.',
  input: z.object({ invoiceId, reason: personal(freeText()) }),
  decide: ({ invoiceId, reason }, invoice) => {
    if (invoice.status === 'unraised') return noInvoice(invoiceId);
    if (invoice.status === 'void') return [];
    if (invoice.paid.minor > 0) {
      return reject(
        'invoice_paid',
        `${written(invoice.paid)} of the invoice ${invoiceId} was paid: refund it instead.`,
      );
    }
    return [InvoiceVoided.of({ invoiceId, accountId: invoice.accountId, reason })];
  },
});

const refundInvoice = defineCommand({
  ...onInvoice,
  name: 'refund-invoice',
  summary: 'Give back what was paid of an invoice, or a part of it.',
  permission: 'billing:refund',
  irreversible: 'Money that was given back is not ours to take again.',
  input: z.object({ invoiceId, amount: positiveAmount(), reason: personal(freeText()) }),
  decide: ({ invoiceId, amount: given, reason }, invoice) => {
    if (invoice.status === 'unraised') return noInvoice(invoiceId);
    const refused = tooPrecise(given, invoice.amount.currency);
    if (refused !== undefined) return refused;
    const amount = moneyOf(given, invoice.amount.currency);
    if (exceeds(amount, kept(invoice))) {
      return reject(
        'refund_exceeds_payment',
        `Of the invoice ${invoiceId} only ${written(kept(invoice))} can be refunded.`,
      );
    }
    return [InvoiceRefunded.of({ invoiceId, accountId: invoice.accountId, amount, reason })];
  },
});

const issueCredit = defineCommand({
  ...onAccount,
  name: 'issue-credit',
  summary: 'Give an account a credit, in its currency.',
  stream: credits,
  id: (input) => input.creditId,
  permission: 'billing:credit',
  irreversible: 'A credit that was given is the customer’s.',
  alsoNeeds: ({ amount }) => (isLargeCredit(amount) ? ['billing:credit-large'] : []),
  mayNeed: ['billing:credit-large'],
  bulk: { field: 'creditId' },
  input: z.object({
    creditId: id('credit'),
    accountId,
    amount: positiveAmount(),
    reason: personal(freeText()),
  }),
  decide: ({ creditId, accountId, amount: given, reason }, credit, { read: { account } }) => {
    if (credit.status === 'issued') {
      return reject('credit_exists', `There is a credit ${creditId} already.`);
    }
    const refused = unlessOpen(account, accountId) ?? tooPrecise(given, account.currency);
    if (refused !== undefined) return refused;
    return [CreditIssued.of({ creditId, accountId, amount: moneyOf(given, account.currency), reason })];
  },
});

export const billingCommands = [raiseInvoice, settleInvoice, voidInvoice, refundInvoice, issueCredit];
