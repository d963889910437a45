/**
 * What may be done with accounts. Nothing but reading happens to a closed account, except that closing it
 * again changes nothing, as any command that asks for what already is.
 */
import { z } from 'zod';
import { defineCommand, reject } from '../../commands/definition.ts';
import { personal } from '../../events/personal.ts';
import { amount, checkDecimals, currency, tooPrecise } from '../kernel/amounts.ts';
import { emailAddress, freeText, month, text } from '../kernel/fields.ts';
import { amountOf, moneyOf, sameMoney } from '../kernel/money.ts';
import {
  AccountClosed,
  AccountCorrected,
  AccountCostRecorded,
  AccountFlagSet,
  AccountOpened,
  AccountReactivated,
  AccountSuspended,
  PlanChanged,
} from './events.ts';
import { accountId, contract, flag, flagValue, tenureMonths } from './fields.ts';
import { accounts, flagOf, isOpen, notOpen } from './state.ts';

/** What all of them have in common: they act on the account that the input names, one by one or in bulk. */
const onAccount = {
  stream: accounts,
  id: (input: { accountId: string }) => input.accountId,
  bulk: { field: 'accountId' },
} as const;

const openAccount = defineCommand({
  ...onAccount,
  name: 'open-account',
  summary: 'Open an account.',
  permission: 'accounts:open',
  irreversible: 'An account id is opened once; an account that should not be there can only be closed.',
  input: z
    .object({
      accountId,
      name: personal(text(200)).optional(),
      ownerEmail: personal(emailAddress()).optional(),
      plan: text(64),
      contract,
      paymentMethod: text(64).optional(),
      tenureMonths,
      monthlyCharges: amount(),
      totalCharges: amount(),
      currency: currency().default('USD'),
      region: text(64).optional(),
    })
    .superRefine(checkDecimals('monthlyCharges', 'totalCharges')),
  decide: (input, account) =>
    account.status === 'unopened'
      ? [
          AccountOpened.of({
            ...input,
            monthlyCharges: moneyOf(input.monthlyCharges, input.currency),
            totalCharges: moneyOf(input.totalCharges, input.currency),
          }),
        ]
      : reject('account_exists', `There is an account ${input.accountId} already; an id is opened once.`),
});

const correctAccount = defineCommand({
  ...onAccount,
  name: 'correct-account',
  summary: 'Correct the name or the e-mail address of an account’s owner.',
  permission: 'accounts:correct',
  input: z
    .object({
      accountId,
      name: personal(text(200)).optional(),
      ownerEmail: personal(emailAddress()).optional(),
    })
    .refine(({ name, ownerEmail }) => name !== undefined || ownerEmail !== undefined, {
      error: 'is missing; give a name, an ownerEmail or both',
      path: ['name'],
    }),
  // What was not there before cannot be put back: a correction never takes anything away.
  inverse: {
    command: 'correct-account',
    input: ({ accountId, name, ownerEmail }, before) => {
      if (!isOpen(before)) return undefined;
      const lost =
        (name !== undefined && before.name === undefined) ||
        (ownerEmail !== undefined && before.ownerEmail === undefined);
      if (lost) return undefined;
      return {
        accountId,
        ...(name === undefined ? {} : { name: before.name }),
        ...(ownerEmail === undefined ? {} : { ownerEmail: before.ownerEmail }),
      };
    },
  },
  decide: ({ accountId, name, ownerEmail }, account) => {
    if (!isOpen(account)) return notOpen(account, accountId);
    const wrong = {
      ...(name === undefined || name === account.name ? {} : { name }),
      ...(ownerEmail === undefined || ownerEmail === account.ownerEmail ? {} : { ownerEmail }),
    };
    return Object.keys(wrong).length === 0 ? [] : [AccountCorrected.of({ accountId, ...wrong })];
  },
});

const changePlan = defineCommand({
  ...onAccount,
  name: 'change-plan',
  summary: 'Move an account to another plan.',
  permission: 'accounts:change-plan',
  input: z.object({ accountId, plan: text(64) }),
  inverse: {
    command: 'change-plan',
    input: ({ accountId }, before) => (isOpen(before) ? { accountId, plan: before.plan } : undefined),
  },
  decide: ({ accountId, plan }, account) => {
    if (!isOpen(account)) return notOpen(account, accountId);
    return account.plan === plan ? [] : [PlanChanged.of({ accountId, plan })];
  },
});

const suspendAccount = defineCommand({
  ...onAccount,
  name: 'suspend-account',
  summary: 'Suspend an account.',
  permission: 'accounts:suspend',
  input: z.object({ accountId, reason: personal(freeText()) }),
  inverse: {
    command: 'reactivate-account',
    input: ({ accountId }, before) => (before.status === 'active' ? { accountId } : undefined),
  },
  decide: ({ accountId, reason }, account) => {
    if (!isOpen(account)) return notOpen(account, accountId);
    return account.status === 'suspended' ? [] : [AccountSuspended.of({ accountId, reason })];
  },
});

const reactivateAccount = defineCommand({
  ...onAccount,
  name: 'reactivate-account',
  summary: 'Take the suspension of an account back.',
  permission: 'accounts:reactivate',
  input: z.object({ accountId }),
  inverse: {
    command: 'suspend-account',
    input: ({ accountId }, before) =>
      before.status === 'suspended' ? { accountId, reason: before.reason } : undefined,
  },
  decide: ({ accountId }, account) => {
    if (!isOpen(account)) return notOpen(account, accountId);
    return account.status === 'active' ? [] : [AccountReactivated.of({ accountId })];
  },
});

const closeAccount = defineCommand({
  ...onAccount,
  name: 'close-account',
  summary: 'Close an account for good.',
  permission: 'accounts:close',
  irreversible: 'Closing is for good: nothing but reading happens to a closed account.',
  input: z.object({ accountId, reason: personal(freeText()) }),
  decide: ({ accountId, reason }, account) => {
    if (account.status === 'closed') return [];
    return isOpen(account) ? [AccountClosed.of({ accountId, reason })] : notOpen(account, accountId);
  },
});

const setAccountFlag = defineCommand({
  ...onAccount,
  name: 'set-account-flag',
  summary: 'Turn a flag of an account on or off; a flag that was never set is off.',
  permission: 'accounts:flag',
  input: z.object({ accountId, flag, value: flagValue }),
  inverse: {
    command: 'set-account-flag',
    input: ({ accountId, flag }, before) =>
      isOpen(before) ? { accountId, flag, value: flagOf(before, flag) } : undefined,
  },
  decide: ({ accountId, flag, value }, account) => {
    if (!isOpen(account)) return notOpen(account, accountId);
    return flagOf(account, flag) === value ? [] : [AccountFlagSet.of({ accountId, flag, value })];
  },
});

const recordAccountCost = defineCommand({
  ...onAccount,
  name: 'record-account-cost',
  summary: 'Record what serving an account cost in a month, in the account’s currency.',
  permission: 'accounts:cost',
  input: z.object({ accountId, month: month(), cost: amount() }),
  // A month without a cost cannot be made one again: only a cost that was there before is put back.
  inverse: {
    command: 'record-account-cost',
    input: ({ accountId, month }, before) => {
      const cost = isOpen(before) ? before.costs[month] : undefined;
      return cost === undefined ? undefined : { accountId, month, cost: amountOf(cost) };
    },
  },
  decide: ({ accountId, month, cost: given }, account) => {
    if (!isOpen(account)) return notOpen(account, accountId);
    const refused = tooPrecise(given, account.currency);
    if (refused !== undefined) return refused;
    const cost = moneyOf(given, account.currency);
    const known = account.costs[month];
    if (known !== undefined && sameMoney(known, cost)) return [];
    return [AccountCostRecorded.of({ accountId, month, cost })];
  },
});

export const accountCommands = [
  openAccount,
  correctAccount,
  changePlan,
  suspendAccount,
  reactivateAccount,
  closeAccount,
  setAccountFlag,
  recordAccountCost,
];
