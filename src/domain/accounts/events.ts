/**
 * What can have happened to an account. Other areas look at `AccountOpened` (its currency) and
 * `AccountClosed` through `kernel/account-standing.ts`: those two stay as they are.
 */
import { z } from 'zod';
import { defineEvent, type EventOf } from '../../events/definition.ts';
import { personal } from '../../events/personal.ts';
import { accountRef, accountSubject } from '../kernel/account-ref.ts';
import { moneySchema } from '../kernel/money.ts';

const accountOnly = ({ accountId }: { accountId: string }): readonly string[] => [accountRef(accountId)];

export const contracts = ['month-to-month', 'one-year', 'two-year'] as const;

const accountId = z.string();

/** As the rows of `accounts` have it. */
const permission = 'accounts:read';
const internal = 'accounts:read-internal';

export const AccountOpened = defineEvent({
  type: 'AccountOpened',
  schema: z.object({
    accountId,
    name: personal(z.string()).optional(),
    ownerEmail: personal(z.string()).optional(),
    plan: z.string(),
    contract: z.enum(contracts),
    paymentMethod: z.string().optional(),
    tenureMonths: z.int(),
    monthlyCharges: moneySchema,
    totalCharges: moneySchema,
    currency: z.string(),
    /** Where its customers are looked after from, by the team's own names (`EMEA`). */
    region: z.string().optional(),
  }),
  refs: accountOnly,
  subject: accountSubject,
  permission,
});

/** Only what was corrected is there. */
export const AccountCorrected = defineEvent({
  type: 'AccountCorrected',
  schema: z.object({
    accountId,
    name: personal(z.string()).optional(),
    ownerEmail: personal(z.string()).optional(),
  }),
  refs: accountOnly,
  subject: accountSubject,
  permission,
});

export const PlanChanged = defineEvent({
  type: 'PlanChanged',
  schema: z.object({ accountId, plan: z.string() }),
  refs: accountOnly,
  permission,
});

export const AccountSuspended = defineEvent({
  type: 'AccountSuspended',
  schema: z.object({ accountId, reason: personal(z.string()) }),
  refs: accountOnly,
  subject: accountSubject,
  permission,
});

export const AccountReactivated = defineEvent({
  type: 'AccountReactivated',
  schema: z.object({ accountId }),
  refs: accountOnly,
  permission,
});

export const AccountClosed = defineEvent({
  type: 'AccountClosed',
  schema: z.object({ accountId, reason: personal(z.string()) }),
  refs: accountOnly,
  subject: accountSubject,
  permission,
});

export const AccountFlagSet = defineEvent({
  type: 'AccountFlagSet',
  schema: z.object({ accountId, flag: z.string(), value: z.boolean() }),
  refs: accountOnly,
  permission,
  internal: { flag: internal, value: internal },
});

/** What serving the account cost us in that month, `YYYY-MM`. */
export const AccountCostRecorded = defineEvent({
  type: 'AccountCostRecorded',
  schema: z.object({ accountId, month: z.string(), cost: moneySchema }),
  refs: accountOnly,
  permission,
  internal: { month: internal, cost: internal },
});

export const accountEvents = [
  AccountOpened,
  AccountCorrected,
  PlanChanged,
  AccountSuspended,
  AccountReactivated,
  AccountClosed,
  AccountFlagSet,
  AccountCostRecorded,
] as const;

export type AccountEvent = EventOf<(typeof accountEvents)[number]>;
