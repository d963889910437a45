/** Every field of an account that the server sends, the known ones first and written as what they are. */
import type { ReactNode } from 'react';
import type { Account } from '../api/types.ts';
import { Moment } from '../parts/moment.tsx';
import { StateBadge } from '../parts/state-badge.tsx';
import { money, plainValue, words } from '../parts/written.ts';

const written: Readonly<Record<string, (account: Account) => ReactNode>> = {
  name: (account) => plainValue(account.name),
  ownerEmail: (account) => plainValue(account.ownerEmail),
  status: (account) => <StateBadge state={account.status} />,
  plan: (account) => account.plan,
  contract: (account) => account.contract,
  paymentMethod: (account) => plainValue(account.paymentMethod),
  monthlyCharges: (account) => money(account.monthlyCharges, account.currency),
  totalCharges: (account) => money(account.totalCharges, account.currency),
  cost: (account) => money(account.cost, account.currency),
  margin: (account) => money(account.margin, account.currency),
  tenureMonths: (account) => `${account.tenureMonths} months`,
  openedAt: (account) => <Moment at={account.openedAt} />,
  changedAt: (account) => <Moment at={account.changedAt} />,
  flags: (account) => <Flags flags={account.flags ?? {}} />,
};

const told = new Set(['accountId', 'currency']);

export const AccountFields = ({ account }: { readonly account: Account }) => {
  const names = [...Object.keys(written), ...Object.keys(account).filter((name) => !(name in written))];
  return (
    <dl className="fields numbers" data-testid="account-fields">
      {names
        .filter((name) => name in account && !told.has(name))
        .map((name) => (
          <div key={name}>
            <dt>{name === 'tenureMonths' ? 'Tenure' : words(name)}</dt>
            <dd data-field={name}>
              {written[name]?.(account) ?? plainValue((account as unknown as Record<string, unknown>)[name])}
            </dd>
          </div>
        ))}
    </dl>
  );
};

const Flags = ({ flags }: { readonly flags: Readonly<Record<string, unknown>> }) => {
  const set = Object.entries(flags);
  return set.length === 0 ? '–' : set.map(([name, value]) => `${name}: ${plainValue(value)}`).join(', ');
};
