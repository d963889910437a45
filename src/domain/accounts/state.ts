/** The account's state, its stream, and whether anything may still happen to it. */
import type { Rejection } from '../../commands/definition.ts';
import { defineStream } from '../../commands/stream.ts';
import { accountClosed, noAccount } from '../kernel/account-standing.ts';
import type { Money } from '../kernel/money.ts';
import type { AccountEvent, contracts } from './events.ts';

export interface KnownAccount {
  readonly status: 'active' | 'suspended' | 'closed';
  readonly accountId: string;
  readonly name?: string | undefined;
  readonly ownerEmail?: string | undefined;
  readonly plan: string;
  readonly contract: (typeof contracts)[number];
  readonly paymentMethod?: string | undefined;
  readonly tenureMonths: number;
  readonly monthlyCharges: Money;
  readonly totalCharges: Money;
  /** Of everything about the account: charges, costs, credits, and invoices that name no other. */
  readonly currency: string;
  readonly region?: string | undefined;
  /** Why it is suspended or closed. */
  readonly reason?: string;
  readonly flags: Readonly<Record<string, boolean>>;
  /** By month, `YYYY-MM`. */
  readonly costs: Readonly<Record<string, Money>>;
}

export type Account = { readonly status: 'unopened' } | KnownAccount;

type OpenAccount = KnownAccount & { readonly status: 'active' | 'suspended' };

const evolve = (account: Account, event: AccountEvent): Account => {
  if (event.type === 'AccountOpened') return { status: 'active', ...event.data, flags: {}, costs: {} };
  return account.status === 'unopened' ? account : changed(account, event);
};

const changed = (account: KnownAccount, event: AccountEvent): KnownAccount => {
  switch (event.type) {
    case 'AccountCorrected':
      return { ...account, ...event.data };
    case 'PlanChanged':
      return { ...account, plan: event.data.plan };
    case 'AccountSuspended':
      // Not by a spread, which would make a hidden class of its own for each suspended account.
      return Object.assign({}, account, { status: 'suspended', reason: event.data.reason } as const);
    case 'AccountReactivated': {
      const { reason: _, ...rest } = account;
      return { ...rest, status: 'active' };
    }
    case 'AccountClosed':
      return { ...account, status: 'closed', reason: event.data.reason };
    case 'AccountFlagSet':
      return { ...account, flags: { ...account.flags, [event.data.flag]: event.data.value } };
    case 'AccountCostRecorded':
      return { ...account, costs: { ...account.costs, [event.data.month]: event.data.cost } };
    default:
      return account;
  }
};

export const accounts = defineStream<Account, AccountEvent>({
  prefix: 'account',
  initialState: { status: 'unopened' },
  evolve,
  notes: {
    permission: 'accounts:read',
    personal: ['name', 'ownerEmail', 'reason'],
    internal: { flags: 'accounts:read-internal', costs: 'accounts:read-internal' },
  },
});

/** Whether something may happen to it; a suspended account is billed and supported like an active one. */
export const isOpen = (account: Account): account is OpenAccount =>
  account.status === 'active' || account.status === 'suspended';

/** Why nothing may happen to an account that is not open. */
export const notOpen = (account: Account, accountId: string): Rejection =>
  account.status === 'closed' ? accountClosed(accountId) : noAccount(accountId);

/** A flag that was never set is off. */
export const flagOf = ({ flags }: KnownAccount, flag: string): boolean =>
  Object.hasOwn(flags, flag) && flags[flag] === true;
