/**
 * The read model `accounts`: one row an account. What an account costs us and how we flag it is nobody's
 * business but the office's; whose it is, is personal, and who looked at that is recorded.
 */
import { z } from 'zod';
import { defineProjection, type RecordedOf } from '../../queries/definition.ts';
import { amountOf, type Money, moneyOf, subtract } from '../kernel/money.ts';
import { type AccountEvent, accountEvents, contracts } from './events.ts';
import { accounts } from './state.ts';

const row = z.object({
  accountId: z.string(),
  name: z.string().nullable(),
  ownerEmail: z.string().nullable(),
  status: z.enum(['active', 'suspended', 'closed']),
  plan: z.string(),
  contract: z.enum(contracts),
  paymentMethod: z.string().nullable(),
  tenureMonths: z.int(),
  monthlyCharges: z.string(),
  totalCharges: z.string(),
  currency: z.string(),
  region: z.string().nullable(),
  openedAt: z.iso.datetime(),
  changedAt: z.iso.datetime(),
  flags: z.record(z.string(), z.boolean()),
  costMonth: z.string().nullable(),
  cost: z.string().nullable(),
  margin: z.string().nullable(),
});

type Row = z.output<typeof row>;
type Recorded = RecordedOf<AccountEvent>;

const opened = ({ data, recordedAt }: Extract<Recorded, { type: 'AccountOpened' }>): Row => ({
  accountId: data.accountId,
  name: data.name ?? null,
  ownerEmail: data.ownerEmail ?? null,
  status: 'active',
  plan: data.plan,
  contract: data.contract,
  paymentMethod: data.paymentMethod ?? null,
  tenureMonths: data.tenureMonths,
  monthlyCharges: amountOf(data.monthlyCharges),
  totalCharges: amountOf(data.totalCharges),
  currency: data.currency,
  region: data.region ?? null,
  openedAt: recordedAt,
  changedAt: recordedAt,
  flags: {},
  costMonth: null,
  cost: null,
  margin: null,
});

/** The margin is what the account pays a month less what its latest known month cost. */
const withCost = (before: Row, month: string, cost: Money): Partial<Row> => {
  if (before.costMonth !== null && month < before.costMonth) return {};
  const margin = subtract(moneyOf(before.monthlyCharges, before.currency), cost);
  return { costMonth: month, cost: amountOf(cost), margin: amountOf(margin) };
};

const changes = (before: Row, event: Recorded): Partial<Row> => {
  switch (event.type) {
    case 'AccountCorrected':
      return {
        name: event.data.name ?? before.name,
        ownerEmail: event.data.ownerEmail ?? before.ownerEmail,
      };
    case 'PlanChanged':
      return { plan: event.data.plan };
    case 'AccountSuspended':
      return { status: 'suspended' };
    case 'AccountReactivated':
      return { status: 'active' };
    case 'AccountClosed':
      return { status: 'closed' };
    case 'AccountFlagSet':
      return { flags: { ...before.flags, [event.data.flag]: event.data.value } };
    case 'AccountCostRecorded':
      return withCost(before, event.data.month, event.data.cost);
    default:
      return {};
  }
};

const internal = 'accounts:read-internal';

export const accountRows = defineProjection<typeof row, AccountEvent>({
  name: 'accounts',
  summary: 'Accounts as they are now.',
  version: 2,
  schema: row,
  keyField: 'accountId',
  // Few indexes on purpose: bulk work rewrites these rows by the thousand, and each index is rewritten too.
  fields: {
    status: { index: true },
    monthlyCharges: { money: true, index: true },
    totalCharges: { money: true },
    name: { personal: true, recordReads: true },
    ownerEmail: { personal: true, recordReads: true },
    flags: { internal },
    costMonth: { internal, description: 'The latest month whose cost is known, YYYY-MM.' },
    cost: { internal, money: true, description: 'What serving the account cost in that month.' },
    margin: { internal, money: true, description: 'Monthly charges less that cost; may be negative.' },
  },
  // Every event of the stream, so that the row's version is the stream's.
  events: accountEvents.map(({ type }) => type),
  keys: ({ data }) => [data.accountId],
  evolve: (before, event) => {
    if (event.type === 'AccountOpened') return opened(event);
    return before && { ...before, ...changes(before, event), changedAt: event.recordedAt };
  },
  stream: accounts.of,
  permission: 'accounts:read',
});
