/**
 * What other areas know of an account: whether it is open, and its currency. A view of the account's own
 * stream over two of its events, which the accounts area promises to keep as they are; so billing and
 * support decide on accounts without knowing that area.
 */
import { type Rejection, reject } from '../../commands/definition.ts';
import { defineStream } from '../../commands/stream.ts';
import type { EventData, NewEvent } from '../../events/definition.ts';
import { accountSubject } from './account-ref.ts';

export interface AccountStanding {
  readonly standing: 'unknown' | 'open' | 'closed';
  /** Of charges, credits, and invoices that name no other. */
  readonly currency: string;
}

export type StandingEvent =
  | NewEvent<'AccountOpened', { readonly currency: string } & EventData>
  | NewEvent<'AccountClosed'>;

export const accountStanding = defineStream<AccountStanding, StandingEvent>({
  name: 'account-standing',
  prefix: 'account',
  initialState: { standing: 'unknown', currency: 'USD' },
  evolve: (state, event) => {
    if (event.type === 'AccountOpened') return { standing: 'open', currency: event.data.currency };
    return event.type === 'AccountClosed' ? { ...state, standing: 'closed' } : state;
  },
});

/** What an input that names an account reads and whose personal data it carries. */
export const onAccount = {
  reads: { account: { stream: accountStanding, id: (input: { accountId: string }) => input.accountId } },
  subject: accountSubject,
} as const;

/** Why nothing new may happen to the account; undefined where it may. A suspended one is open. */
export const unlessOpen = ({ standing }: AccountStanding, accountId: string): Rejection | undefined => {
  if (standing === 'unknown') return noAccount(accountId);
  return standing === 'closed' ? accountClosed(accountId) : undefined;
};

export const noAccount = (accountId: string): Rejection =>
  reject('not_found', `There is no account ${accountId}.`);

export const accountClosed = (accountId: string): Rejection =>
  reject('account_closed', `The account ${accountId} is closed: nothing but reading happens to it.`);
