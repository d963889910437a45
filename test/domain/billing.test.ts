/** Billing: invoices and what was paid of them, refunds, credits. */
import { AccountClosed, AccountOpened, AccountSuspended } from '../../src/domain/accounts/events.ts';
import {
  CreditIssued,
  InvoiceRaised,
  InvoiceRefunded,
  InvoiceSettled,
  InvoiceVoided,
} from '../../src/domain/billing/events.ts';
import type { NewEvent } from '../../src/events/definition.ts';
import { command, given, recordedAt, valid } from './given.ts';

const money = (minor: number, currency = 'USD') => ({ minor, currency });
const accountId = 'acme';
const invoiceId = 'i-1';
const creditId = 'c-1';

const openedIn = (currency: string) =>
  AccountOpened.of({
    accountId,
    plan: 'DSL',
    contract: 'one-year',
    tenureMonths: 3,
    monthlyCharges: money(2985, currency),
    totalCharges: money(8955, currency),
    currency,
  });
const opened = openedIn('USD');
const closed = AccountClosed.of({ accountId, reason: 'moved away' });
const raised = InvoiceRaised.of({ invoiceId, accountId, amount: money(10000), dueOn: '2026-03-31' });
const paid = (minor: number) =>
  InvoiceSettled.of({ invoiceId, accountId, amount: money(minor), paidOn: '2026-03-02' });
const refunded = (minor: number) =>
  InvoiceRefunded.of({ invoiceId, accountId, amount: money(minor), reason: 'complaint' });
const voided = InvoiceVoided.of({ invoiceId, accountId, reason: 'mistake' });

const raise = { invoiceId, accountId, amount: '100', dueOn: '2026-03-31' };
const settle = (amount: string) => ({ invoiceId, amount, paidOn: '2026-03-02' });
const refund = (amount: string) => ({ invoiceId, amount, reason: 'complaint' });

describe('raising an invoice', () => {
  test('takes the account’s currency unless it names another', () => {
    expect(given(opened).when('raise-invoice', raise)).toEqual([raised]);
    expect(given(openedIn('JPY')).when('raise-invoice', raise)).toMatchObject([
      { data: { amount: { minor: 100, currency: 'JPY' } } },
    ]);
    expect(given(openedIn('JPY')).when('raise-invoice', { ...raise, currency: 'EUR' })).toMatchObject([
      { data: { amount: { minor: 10000, currency: 'EUR' } } },
    ]);
  });

  test('is refused on a closed account', () => {
    expect(given(opened, closed).when('raise-invoice', raise)).toMatchObject({ rejection: 'account_closed' });
  });

  test('finds no account where none was opened', () => {
    expect(given().when('raise-invoice', raise)).toMatchObject({ rejection: 'not_found' });
  });

  test('a suspended account is invoiced like an active one', () => {
    const suspended = AccountSuspended.of({ accountId, reason: 'unpaid' });
    expect(given(opened, suspended).when('raise-invoice', raise)).toHaveLength(1);
  });

  test.each([[[]], [[voided]]])('an id is used once, also after its invoice was voided', (more) => {
    const past = given(opened, raised, ...more);
    expect(past.when('raise-invoice', raise)).toMatchObject({ rejection: 'invoice_exists' });
  });

  test('an amount finer than the account’s currency is refused', () => {
    const past = given(openedIn('JPY'));
    expect(past.when('raise-invoice', { ...raise, amount: '99.5' })).toMatchObject({
      rejection: 'amount_too_precise',
    });
  });

  test('is taken back by voiding it', () => {
    const undo = given(opened).inverse('raise-invoice', raise);
    expect(given(opened, raised).when('void-invoice', undo ?? {})).toHaveLength(1);
    expect(given(opened).inverse('raise-invoice', raise, { reason: 'Wrong month.' })).toMatchObject({
      reason: 'Wrong month.',
    });
  });
});

describe('settling an invoice', () => {
  const past = given(opened, raised);

  test('records a payment of all of it or a part', () => {
    expect(past.when('settle-invoice', settle('100.00'))).toEqual([paid(10000)]);
    expect(past.when('settle-invoice', settle('0.01'))).toEqual([paid(1)]);
  });

  test('parts add up to what is due and no further', () => {
    const rest = given(opened, raised, paid(9999));
    expect(rest.when('settle-invoice', settle('0.01'))).toHaveLength(1);
    expect(rest.when('settle-invoice', settle('0.02'))).toMatchObject({
      rejection: 'settlement_exceeds_due',
      message: expect.stringContaining('USD 0.01'),
    });
    expect(past.when('settle-invoice', settle('100.01'))).toMatchObject({
      rejection: 'settlement_exceeds_due',
    });
  });

  test.each<readonly [string, readonly NewEvent[], string]>([
    ['a paid', [raised, paid(10000)], 'invoice_settled'],
    ['a refunded', [raised, paid(10000), refunded(10000)], 'invoice_settled'],
    ['a void', [raised, voided], 'invoice_void'],
    ['an unknown', [], 'not_found'],
  ])('%s invoice is not settled', (_which, more, rejection) => {
    expect(given(opened, ...more).when('settle-invoice', settle('1'))).toMatchObject({ rejection });
  });

  test('an amount finer than the invoice’s currency is refused', () => {
    expect(past.when('settle-invoice', settle('1.001'))).toMatchObject({ rejection: 'amount_too_precise' });
  });

  test('closing an account settles no debt: its invoices can still be paid, refunded and voided', () => {
    expect(given(opened, raised, closed).when('settle-invoice', settle('1'))).toHaveLength(1);
    expect(given(opened, raised, paid(1), closed).when('refund-invoice', refund('0.01'))).toHaveLength(1);
    const reason = 'mistake';
    expect(given(opened, raised, closed).when('void-invoice', { invoiceId, reason })).toEqual([voided]);
  });
});

describe('voiding an invoice', () => {
  const ask = { invoiceId, reason: 'mistake' };

  test('happens while nothing was paid, and once', () => {
    expect(given(opened, raised).when('void-invoice', ask)).toEqual([voided]);
    expect(given(opened, raised, voided).when('void-invoice', ask)).toEqual([]);
  });

  test.each([
    ['a part was paid', [raised, paid(1)]],
    ['it was paid', [raised, paid(10000)]],
    ['it was paid and refunded', [raised, paid(10000), refunded(10000)]],
  ])('is refused once %s', (_why, more) => {
    expect(given(opened, ...more).when('void-invoice', ask)).toMatchObject({ rejection: 'invoice_paid' });
  });

  test('finds no invoice where none was raised', () => {
    expect(given(opened).when('void-invoice', ask)).toMatchObject({ rejection: 'not_found' });
  });
});

describe('refunding an invoice', () => {
  test('never exceeds what was paid less what was refunded', () => {
    const past = given(opened, raised, paid(6000), refunded(2000));
    expect(past.when('refund-invoice', refund('40'))).toEqual([refunded(4000)]);
    expect(past.when('refund-invoice', refund('40.01'))).toMatchObject({
      rejection: 'refund_exceeds_payment',
      message: expect.stringContaining('USD 40.00'),
    });
  });

  test.each<readonly [string, readonly NewEvent[], string]>([
    ['an unpaid', [raised], 'refund_exceeds_payment'],
    ['a void', [raised, voided], 'refund_exceeds_payment'],
    ['an unknown', [], 'not_found'],
  ])('nothing of %s invoice is refunded', (_which, more, rejection) => {
    expect(given(opened, ...more).when('refund-invoice', refund('0.01'))).toMatchObject({ rejection });
  });
});

describe('issuing a credit', () => {
  const ask = { creditId, accountId, amount: '500', reason: 'outage' };
  const issued = CreditIssued.of({ creditId, accountId, amount: money(50000), reason: 'outage' });

  test('is in the account’s currency', () => {
    expect(given(opened).when('issue-credit', ask)).toEqual([issued]);
    expect(given(openedIn('JPY')).when('issue-credit', ask)).toMatchObject([
      { data: { amount: { minor: 500, currency: 'JPY' } } },
    ]);
    expect(given(openedIn('JPY')).when('issue-credit', { ...ask, amount: '0.5' })).toMatchObject({
      rejection: 'amount_too_precise',
    });
  });

  test('is refused on a closed account, on none, and where its id was used', () => {
    expect(given(opened, closed).when('issue-credit', ask)).toMatchObject({ rejection: 'account_closed' });
    expect(given().when('issue-credit', ask)).toMatchObject({ rejection: 'not_found' });
    expect(given(opened, issued).when('issue-credit', ask)).toMatchObject({ rejection: 'credit_exists' });
  });

  test.each([
    ['499.99', []],
    ['500', []],
    ['500.00', []],
    ['500.001', ['billing:credit-large']],
    ['500.01', ['billing:credit-large']],
    ['501', ['billing:credit-large']],
    ['999999999999', ['billing:credit-large']],
  ])('%s of any currency needs also %j', (amount, permissions) => {
    const { alsoNeeds } = command('issue-credit');
    expect(alsoNeeds(valid('issue-credit', { ...ask, amount }))).toEqual(permissions);
  });
});

describe('the rows of billing', () => {
  const invoice = (...past: readonly NewEvent[]) => given(opened, ...past).rows('invoices')[invoiceId];

  test('an invoice shows what was paid, what is due and when', () => {
    expect(invoice(raised)).toEqual({
      invoiceId,
      accountId,
      status: 'open',
      amount: '100.00',
      paid: '0.00',
      refunded: '0.00',
      due: '100.00',
      currency: 'USD',
      dueOn: '2026-03-31',
      paidOn: null,
      raisedAt: recordedAt(2),
      changedAt: recordedAt(2),
    });
    expect(invoice(raised, paid(6000))).toMatchObject({
      status: 'open',
      paid: '60.00',
      due: '40.00',
      paidOn: '2026-03-02',
      changedAt: recordedAt(3),
    });
    expect(invoice(raised, paid(6000), paid(4000), refunded(50))).toMatchObject({
      status: 'paid',
      paid: '100.00',
      due: '0.00',
      refunded: '0.50',
    });
    expect(invoice(raised, voided)).toMatchObject({ status: 'void', paid: '0.00', due: '0.00' });
  });

  test('a credit shows who gave it and why', () => {
    const issued = CreditIssued.of({ creditId, accountId, amount: money(1250), reason: 'outage' });
    expect(given(opened, issued).rows('credits')[creditId]).toEqual({
      creditId,
      accountId,
      amount: '12.50',
      currency: 'USD',
      reason: 'outage',
      issuedBy: 'person:test',
      issuedAt: recordedAt(2),
    });
  });
});
