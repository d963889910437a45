/** What can have happened to invoices and credits. Each event carries the account it is about. */
import { z } from 'zod';
import { defineEvent, type EventOf } from '../../events/definition.ts';
import { personal } from '../../events/personal.ts';
import { accountRef, accountSubject } from '../kernel/account-ref.ts';
import { moneySchema } from '../kernel/money.ts';

/** As the rows of `invoices` and `credits` have it. */
const permission = 'billing:read';

const about = { invoiceId: z.string(), accountId: z.string() };

const invoiceAndAccount = (data: { invoiceId: string; accountId: string }): readonly string[] => [
  `invoice-${data.invoiceId}`,
  accountRef(data.accountId),
];

export const InvoiceRaised = defineEvent({
  type: 'InvoiceRaised',
  schema: z.object({ ...about, amount: moneySchema, dueOn: z.string() }),
  refs: invoiceAndAccount,
  permission,
});

/** A payment, of the whole invoice or of a part. */
export const InvoiceSettled = defineEvent({
  type: 'InvoiceSettled',
  schema: z.object({ ...about, amount: moneySchema, paidOn: z.string() }),
  refs: invoiceAndAccount,
  permission,
});

export const InvoiceVoided = defineEvent({
  type: 'InvoiceVoided',
  schema: z.object({ ...about, reason: personal(z.string()) }),
  refs: invoiceAndAccount,
  subject: accountSubject,
  permission,
});

export const InvoiceRefunded = defineEvent({
  type: 'InvoiceRefunded',
  schema: z.object({ ...about, amount: moneySchema, reason: personal(z.string()) }),
  refs: invoiceAndAccount,
  subject: accountSubject,
  permission,
});

export const CreditIssued = defineEvent({
  type: 'CreditIssued',
  schema: z.object({
    creditId: z.string(),
    accountId: z.string(),
    amount: moneySchema,
    reason: personal(z.string()),
  }),
  refs: ({ creditId, accountId }) => [`credit-${creditId}`, accountRef(accountId)],
  subject: accountSubject,
  permission,
});

export const invoiceEvents = [InvoiceRaised, InvoiceSettled, InvoiceVoided, InvoiceRefunded] as const;
export const creditEvents = [CreditIssued] as const;

export type InvoiceEvent = EventOf<(typeof invoiceEvents)[number]>;
export type CreditEvent = EventOf<(typeof creditEvents)[number]>;
