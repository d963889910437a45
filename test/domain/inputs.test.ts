/** Inputs: what is read, and what each refusal says should be there instead. */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { contracts } from '../../src/domain/accounts/events.ts';
import { describeWhere, telcoCustomers, telcoFile } from '../setup/needs.ts';
import { command, commands, problems, valid } from './given.ts';

const account = {
  accountId: '7590-VHVEG',
  plan: 'DSL',
  contract: 'Month-to-month',
  tenureMonths: 1,
  monthlyCharges: '29.85',
  totalCharges: '0',
};
const invoice = { invoiceId: 'i', accountId: 'a', amount: '1', dueOn: '2026-03-31' };
const grant = { grantId: 'g', accountId: 'a', grantee: 'x', until: '2026-03-04T00:00:00Z', reason: 'x' };

/** A valid input of every command. */
const examples: Readonly<Record<string, object>> = {
  'open-account': { ...account, name: 'Ada', ownerEmail: 'ada@example.com', paymentMethod: 'Mailed check' },
  'correct-account': { accountId: 'a', name: 'Ada', ownerEmail: ' ada@example.com ' },
  'change-plan': { accountId: 'a', plan: ' DSL ' },
  'suspend-account': { accountId: 'a', reason: ' unpaid ' },
  'reactivate-account': { accountId: 'a' },
  'close-account': { accountId: 'a', reason: 'x' },
  'set-account-flag': { accountId: 'a', flag: 'vip', value: true },
  'record-account-cost': { accountId: 'a', month: '2026-03', cost: '0.5' },
  'raise-invoice': { ...invoice, currency: 'EUR' },
  'settle-invoice': { invoiceId: 'i', amount: '1', paidOn: '2026-03-31' },
  'void-invoice': { invoiceId: 'i', reason: 'x' },
  'refund-invoice': { invoiceId: 'i', amount: '1', reason: 'x' },
  'issue-credit': { creditId: 'c', accountId: 'a', amount: '1', reason: 'x' },
  'add-note': { noteId: 'n', accountId: 'a', text: 'x' },
  'grant-support-access': { ...grant, until: '2026-03-04T00:00:00.5+01:30' },
  'revoke-support-access': { grantId: 'g', reason: 'x' },
};

describe('every command', () => {
  test('has an example here', () => {
    expect(Object.keys(examples).sort()).toEqual([...commands.keys()].sort());
  });

  test.each(Object.entries(examples))('%s reads what it has read as the same again', (name, input) => {
    const read = valid(name, input);
    expect(valid(name, read)).toEqual(read);
    expect(JSON.parse(JSON.stringify(read))).toEqual(read);
  });

  test.each(Object.entries(examples))('%s refuses fields that it does not know', (name, input) => {
    expect(problems(name, { ...input, unknown: 1 })).toEqual([
      expect.stringMatching(/^unknown There is no such field; the fields of .+ are /),
    ]);
  });

  test.each(Object.entries(examples))('%s says of each field that is missing what it must be', (name) => {
    const { shape } = command(name).input;
    const required = Object.keys(shape).filter((field) => !shape[field]?.safeParse(undefined).success);
    const said = problems(name, {});
    for (const field of required) {
      expect(said.filter((line) => line.startsWith(`${field} `))).toEqual([
        expect.stringMatching(/is missing; it must be /),
      ]);
    }
  });
});

describe('an id', () => {
  test.each(['', '.', '..', 'a/b', 'ä', 'a b', '$a', 'a\0', 'x'.repeat(65)])('is not %j', (accountId) => {
    expect(problems('reactivate-account', { accountId })).toEqual([
      'accountId must be 1 to 64 of A–Z a–z 0–9 . _ - and not . or ..',
    ]);
  });

  test.each(['a', '7590-VHVEG', '...', 'a.b_c-D', 'x'.repeat(64)])('may be %j', (accountId) => {
    expect(problems('reactivate-account', { accountId })).toEqual([]);
  });
});

describe('an amount', () => {
  const said = (totalCharges: unknown, more: object = {}) =>
    problems('open-account', { ...account, totalCharges, ...more });

  test.each(['0', '0.5', '29.85', '1889.5', '1889.50', '999999999999.99'])('may be %j', (amount) => {
    expect(said(amount)).toEqual([]);
  });

  test.each(['', ' ', '-1', '+1', '1,5', '1,000.00', '.5', '5.', '007', '1e3', 'NaN', '$5', '1000000000000'])(
    'is not %j',
    (amount) => {
      expect(said(amount)).toEqual([
        expect.stringMatching(/^totalCharges must be a decimal amount as text, like "29.85"/),
      ]);
    },
  );

  test.each([29.85, 0, null, true, ['1']])('is not the JSON value %j: it goes as text', (amount) => {
    expect(said(amount)).toEqual([expect.stringContaining('as text, like "29.85"')]);
  });

  test('has at most the decimals of its currency', () => {
    expect(said('1.234')).toEqual(['totalCharges must be a decimal amount with at most 2 decimals for USD']);
    const yen = { currency: 'JPY', monthlyCharges: '1.5' };
    expect(said('1', yen)).toEqual([
      'monthlyCharges must be a whole amount, like "1200": JPY has no decimals',
    ]);
    expect(said('1.234', { currency: 'KWD' })).toEqual([]);
  });

  test('of something that is billed or paid is more than nothing', () => {
    for (const amount of ['0', '0.00']) {
      expect(problems('raise-invoice', { ...invoice, amount })).toEqual(['amount must be more than 0']);
    }
  });

  test.each(['usd', 'ZZZ', '', 'US', 840])('is not in the currency %j', (currency) => {
    expect(said('1', { currency })).toEqual([
      expect.stringContaining('currency must be an ISO 4217 currency'),
    ]);
  });
});

describe('a contract', () => {
  test('is read without regard to case, spaces and hyphens', () => {
    const spellings = fc.constantFrom(...contracts).chain((contract) =>
      fc
        .array(fc.tuple(fc.boolean(), fc.constantFrom('', ' ', '-', ' - ')), { minLength: 20, maxLength: 20 })
        .map((changes) => ({
          contract,
          spelled: [...contract.replaceAll('-', '')]
            .map((c, i) => (changes[i]?.[0] === true ? c.toUpperCase() : c) + (changes[i]?.[1] ?? ''))
            .join(''),
        })),
    );
    fc.assert(
      fc.property(spellings, ({ contract, spelled }) => {
        expect(valid('open-account', { ...account, contract: spelled })).toMatchObject({ contract });
      }),
    );
  });

  test.each(['', 'three-year', 'monthly', 1])('is not %j', (contract) => {
    expect(problems('open-account', { ...account, contract })).toEqual([
      'contract must be one of month-to-month, one-year, two-year',
    ]);
  });
});

describe('other fields', () => {
  test('a tenure is a whole number of months, which CSV carries as text', () => {
    expect(valid('open-account', { ...account, tenureMonths: '34' })).toMatchObject({ tenureMonths: 34 });
    for (const tenureMonths of [-1, 1.5, '1.5', '', 'x', 1201, null]) {
      expect(problems('open-account', { ...account, tenureMonths })).toEqual([
        'tenureMonths must be a whole number of months, 0 to 1200',
      ]);
    }
  });

  test('text is trimmed, not blank and not endless', () => {
    expect(valid('change-plan', { accountId: 'a', plan: ' Fiber optic ' })).toMatchObject({
      plan: 'Fiber optic',
    });
    const said = (plan: string) => problems('change-plan', { accountId: 'a', plan });
    expect(said('   ')).toEqual(['plan must not be blank']);
    expect(said('x'.repeat(65))).toEqual(['plan must be at most 64 characters']);
  });

  test.each(['2026-02-30', '2026-2-3', '31.03.2026', '', '2026-03-31T00:00:00Z'])('%j is no day', (dueOn) => {
    expect(problems('raise-invoice', { ...invoice, dueOn })).toEqual([
      'dueOn must be a calendar date, like "2026-03-31"',
    ]);
  });

  test.each(['2026-13', '2026-00', '2026-3', '2026-03-01', ''])('%j is no month', (month) => {
    expect(problems('record-account-cost', { accountId: 'a', month, cost: '1' })).toEqual([
      'month must be a month, like "2026-03"',
    ]);
  });

  test.each([
    '2026-03-04',
    '2026-03-04T10:00:00',
    '2026-02-30T10:00:00Z',
    'tomorrow',
    '',
    '9999-12-31T23:59:59-01:00',
    '0000-01-01T00:00:00+01:00',
  ])('%j is no moment', (until) => {
    expect(problems('grant-support-access', { ...grant, until })).toEqual([
      'until must be a time with its zone, like "2026-03-31T18:00:00Z"',
    ]);
  });

  test('a moment is kept in UTC with microseconds', () => {
    const read = (until: string) => valid('grant-support-access', { ...grant, until }).until;
    expect(read('2026-03-04T00:00:00+01:30')).toBe('2026-03-03T22:30:00.000000Z');
    expect(read('2026-03-04T00:00:00.123456789Z')).toBe('2026-03-04T00:00:00.123456Z');
  });

  test.each(['Vip', '1st', '', 'a_b', 'x'.repeat(65)])('%j is no flag', (flag) => {
    expect(problems('set-account-flag', { accountId: 'a', flag, value: true })).toHaveLength(1);
  });

  test.each(['true', 1, null])('%j is no value of a flag', (value) => {
    expect(problems('set-account-flag', { accountId: 'a', flag: 'vip', value })).toEqual([
      'value must be true or false',
    ]);
  });

  test.each(['ada', 'ada@', '@example.com', 'a b@example.com', ''])(
    '%j is no e-mail address',
    (ownerEmail) => {
      expect(problems('correct-account', { accountId: 'a', ownerEmail })).toEqual([
        'ownerEmail must be an e-mail address, like "ada@example.com"',
      ]);
    },
  );

  test('a correction corrects something', () => {
    expect(problems('correct-account', { accountId: 'a' })).toEqual([
      'name is missing; give a name, an ownerEmail or both',
    ]);
  });
});

describeWhere(telcoCustomers, 'the telco customer list', () => {
  test('is read but for the 11 rows whose total charges are blank', () => {
    const rows: Record<string, string>[] = parse(readFileSync(telcoFile() ?? ''), { columns: true });
    const said = rows.map((row) =>
      problems('open-account', {
        accountId: row.customerID,
        plan: row.InternetService,
        contract: row.Contract,
        paymentMethod: row.PaymentMethod,
        tenureMonths: row.tenure,
        monthlyCharges: row.MonthlyCharges,
        totalCharges: row.TotalCharges,
      }),
    );
    expect(said).toHaveLength(7043);
    const refused = said.filter((lines) => lines.length > 0);
    expect(refused).toHaveLength(11);
    for (const lines of refused) {
      expect(lines).toEqual([expect.stringMatching(/^totalCharges must be a decimal amount/)]);
    }
  });
});
