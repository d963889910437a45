/** Accounts: what may happen to them, what changes nothing, and what their rows say. */
import {
  AccountClosed,
  AccountCorrected,
  AccountCostRecorded,
  AccountFlagSet,
  AccountOpened,
  AccountReactivated,
  AccountSuspended,
  PlanChanged,
} from '../../src/domain/accounts/events.ts';
import type { NewEvent } from '../../src/events/definition.ts';
import { command, given, recordedAt, stateOf } from './given.ts';

const usd = (minor: number) => ({ minor, currency: 'USD' });
const accountId = '7590-VHVEG';

const asked = {
  accountId,
  plan: 'DSL',
  contract: 'Month-to-month',
  tenureMonths: 1,
  monthlyCharges: '29.85',
  totalCharges: '1889.5',
};

const opened = AccountOpened.of({
  accountId,
  plan: 'DSL',
  contract: 'month-to-month',
  tenureMonths: 1,
  monthlyCharges: usd(2985),
  totalCharges: usd(188950),
  currency: 'USD',
});
const suspended = AccountSuspended.of({ accountId, reason: 'unpaid' });
const closed = AccountClosed.of({ accountId, reason: 'moved away' });

describe('opening an account', () => {
  test('records what was given, with money in minor units', () => {
    expect(given().when('open-account', asked)).toEqual([opened]);
  });

  test('takes the currency that is named, and its decimals', () => {
    const yen = { ...asked, currency: 'JPY', monthlyCharges: '2985', totalCharges: '188950' };
    expect(given().when('open-account', yen)).toMatchObject([
      { data: { currency: 'JPY', monthlyCharges: { minor: 2985, currency: 'JPY' } } },
    ]);
  });

  test.each([
    ['active', [opened]],
    ['closed', [opened, closed]],
  ])('is refused where the id was opened before (%s)', (_status, past) => {
    expect(given(...past).when('open-account', asked)).toMatchObject({ rejection: 'account_exists' });
  });
});

/** Every command on an account that exists, with what it asks for and what then happens to a new account. */
const cases: readonly (readonly [string, object, NewEvent])[] = [
  ['correct-account', { name: 'Ada' }, AccountCorrected.of({ accountId, name: 'Ada' })],
  ['change-plan', { plan: ' Fiber optic ' }, PlanChanged.of({ accountId, plan: 'Fiber optic' })],
  ['suspend-account', { reason: 'unpaid' }, suspended],
  ['close-account', { reason: 'moved away' }, closed],
  [
    'set-account-flag',
    { flag: 'vip', value: true },
    AccountFlagSet.of({ accountId, flag: 'vip', value: true }),
  ],
  [
    'record-account-cost',
    { month: '2026-02', cost: '12.5' },
    AccountCostRecorded.of({ accountId, month: '2026-02', cost: usd(1250) }),
  ],
];

describe.each(cases)('%s', (name, input, happens) => {
  const ask = { accountId, ...input };

  test('happens to an active account', () => {
    expect(given(opened).when(name, ask)).toEqual([happens]);
  });

  test('changes nothing a second time', () => {
    expect(given(opened, happens).when(name, ask)).toEqual([]);
  });

  test('finds no account where none was opened', () => {
    expect(given().when(name, ask)).toMatchObject({ rejection: 'not_found' });
  });
});

describe('a closed account', () => {
  test.each(cases.filter(([name]) => name !== 'close-account'))('refuses %s', (name, input, happens) => {
    const ask = { accountId, ...input };
    const refused = { rejection: 'account_closed' };
    expect(given(opened, closed).when(name, ask)).toMatchObject(refused);
    expect(given(opened, happens, closed).when(name, ask)).toMatchObject(refused);
  });
});

describe('suspending and reactivating', () => {
  test('a suspended account is reactivated once', () => {
    const reactivated = AccountReactivated.of({ accountId });
    expect(given(opened, suspended).when('reactivate-account', { accountId })).toEqual([reactivated]);
    expect(given(opened, suspended, reactivated).when('reactivate-account', { accountId })).toEqual([]);
    expect(given(opened).when('reactivate-account', { accountId })).toEqual([]);
  });

  test('another reason does not suspend an account anew', () => {
    const again = { accountId, reason: 'fraud' };
    expect(given(opened, suspended).when('suspend-account', again)).toEqual([]);
  });

  test('a suspended account can be closed, corrected and moved to another plan', () => {
    const past = given(opened, suspended);
    expect(past.when('close-account', { accountId, reason: 'x' })).toHaveLength(1);
    expect(past.when('correct-account', { accountId, name: 'Ada' })).toHaveLength(1);
    expect(past.when('change-plan', { accountId, plan: 'No' })).toHaveLength(1);
  });

  test('a closed account is not reactivated', () => {
    const past = given(opened, suspended, closed);
    expect(past.when('reactivate-account', { accountId })).toMatchObject({ rejection: 'account_closed' });
  });
});

describe('correcting an account', () => {
  test('records only what is not right yet', () => {
    const named = AccountCorrected.of({ accountId, name: 'Ada' });
    const both = { accountId, name: 'Ada', ownerEmail: 'ada@example.com' };
    expect(given(opened, named).when('correct-account', both)).toEqual([
      AccountCorrected.of({ accountId, ownerEmail: 'ada@example.com' }),
    ]);
  });
});

describe('flags', () => {
  test('one that was never set is off, whatever its name', () => {
    for (const flag of ['vip', 'constructor']) {
      expect(given(opened).when('set-account-flag', { accountId, flag, value: false })).toEqual([]);
    }
  });
});

describe('costs', () => {
  test('are in the account’s currency, so an amount finer than that is refused', () => {
    const input = { accountId, month: '2026-02', cost: '12.345' };
    expect(given(opened).when('record-account-cost', input)).toMatchObject({
      rejection: 'amount_too_precise',
      message: expect.stringContaining('at most 2 decimals for USD'),
    });
  });

  test('a month’s cost can be corrected', () => {
    const known = AccountCostRecorded.of({ accountId, month: '2026-02', cost: usd(1250) });
    const input = { accountId, month: '2026-02', cost: '12.51' };
    expect(given(opened, known).when('record-account-cost', input)).toHaveLength(1);
  });
});

describe('taking back', () => {
  const named = AccountOpened.of({ ...opened.data, name: 'Ada', ownerEmail: 'ada@example.com' });
  const flagged = AccountFlagSet.of({ accountId, flag: 'vip', value: true });
  const costed = AccountCostRecorded.of({ accountId, month: '2026-02', cost: usd(1250) });

  test.each<readonly [string, object, readonly NewEvent[]]>([
    ['suspend-account', { reason: 'unpaid' }, [named]],
    ['reactivate-account', {}, [named, suspended]],
    ['change-plan', { plan: 'Fiber optic' }, [named]],
    ['correct-account', { name: 'Grace' }, [named]],
    ['correct-account', { name: 'Grace', ownerEmail: 'grace@example.com' }, [named]],
    ['set-account-flag', { flag: 'vip', value: false }, [named, flagged]],
    ['record-account-cost', { month: '2026-02', cost: '13.00' }, [named, costed]],
  ])('%s brings back the state before it', (name, input, past) => {
    const ask = { accountId, ...input };
    const { stream, inverse } = command(name);
    const done = given(...past).when(name, ask) as readonly NewEvent[];
    const undo = given(...past).inverse(name, ask);
    expect(done).toHaveLength(1);
    expect(undo).toBeDefined();
    const undone = given(...past, ...done).when(inverse?.command ?? '', undo ?? {}) as readonly NewEvent[];
    expect(undone).toHaveLength(1);
    expect(stateOf(stream, accountId, [...past, ...done, ...undone])).toEqual(
      stateOf(stream, accountId, past),
    );
  });

  test('is not offered where nothing was there before, or nothing happened', () => {
    expect(given(opened).inverse('correct-account', { accountId, name: 'Ada' })).toBeUndefined();
    expect(given(opened, suspended).inverse('suspend-account', { accountId, reason: 'x' })).toBeUndefined();
    expect(given(opened).inverse('reactivate-account', { accountId })).toBeUndefined();
    expect(given(opened, closed).inverse('change-plan', { accountId, plan: 'x' })).toBeUndefined();
    expect(
      given(opened, costed).inverse('record-account-cost', { accountId, month: '2026-03', cost: '1' }),
    ).toBeUndefined();
    expect(given().inverse('change-plan', { accountId, plan: 'x' })).toBeUndefined();
  });
});

describe('the row of an account', () => {
  const row = (...past: readonly NewEvent[]) => given(...past).rows('accounts')[accountId];

  test('shows amounts with all their decimals and says null where nothing is known', () => {
    expect(row(opened)).toEqual({
      accountId,
      name: null,
      ownerEmail: null,
      status: 'active',
      plan: 'DSL',
      region: null,
      contract: 'month-to-month',
      paymentMethod: null,
      tenureMonths: 1,
      monthlyCharges: '29.85',
      totalCharges: '1889.50',
      currency: 'USD',
      openedAt: recordedAt(1),
      changedAt: recordedAt(1),
      flags: {},
      costMonth: null,
      cost: null,
      margin: null,
    });
  });

  test('follows every event', () => {
    const past: NewEvent[] = [
      AccountOpened.of({ ...opened.data, name: 'Ada', ownerEmail: 'ada@example.com' }),
      AccountCorrected.of({ accountId, name: 'Grace' }),
      PlanChanged.of({ accountId, plan: 'No' }),
      AccountFlagSet.of({ accountId, flag: 'vip', value: true }),
      AccountFlagSet.of({ accountId, flag: 'trial', value: false }),
      suspended,
    ];
    const changed = {
      name: 'Grace',
      ownerEmail: 'ada@example.com',
      plan: 'No',
      flags: { vip: true, trial: false },
      status: 'suspended',
      openedAt: recordedAt(1),
      changedAt: recordedAt(6),
    };
    expect(row(...past)).toMatchObject(changed);
    expect(row(...past, AccountReactivated.of({ accountId }))).toMatchObject({ status: 'active' });
    expect(row(...past, closed)).toMatchObject({ status: 'closed', changedAt: recordedAt(7) });
  });

  test('has the margin of the latest month known, which may be negative', () => {
    const cost = (month: string, minor: number) =>
      AccountCostRecorded.of({ accountId, month, cost: usd(minor) });
    expect(row(opened, cost('2026-01', 1000))).toMatchObject({ cost: '10.00', margin: '19.85' });
    expect(row(opened, cost('2026-01', 1000), cost('2026-02', 3000))).toMatchObject({
      costMonth: '2026-02',
      cost: '30.00',
      margin: '-0.15',
    });
    expect(row(opened, cost('2026-02', 3000), cost('2026-01', 1000))).toMatchObject({
      costMonth: '2026-02',
      cost: '30.00',
      changedAt: recordedAt(3),
    });
    expect(row(opened, cost('2026-02', 3000), cost('2026-02', 2985))).toMatchObject({ margin: '0.00' });
  });
});
