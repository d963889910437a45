/**
 * Keeps an account current. An update leaves out fields whose reads are recorded, so that the row is read again; a
 * moment later, that many changes in a row are one read.
 */
import { useDebouncedCallback } from '@mantine/hooks';
import { useQueryClient } from '@tanstack/react-query';
import { accountQuery } from '../api/accounts.ts';
import { historyQuery } from '../api/audit.ts';
import type { Account, One } from '../api/types.ts';
import { useLiveTopic } from '../api/use-live.ts';

const settledMs = 1_000;

export const useLiveAccount = (accountId: string, asOf: string | undefined): void => {
  const client = useQueryClient();
  const now = accountQuery(accountId, undefined);
  const readAgain = useDebouncedCallback(() => {
    void client.invalidateQueries({ queryKey: now.queryKey });
    void client.invalidateQueries({ queryKey: historyQuery(`account-${accountId}`).queryKey });
  }, settledMs);
  useLiveTopic<Account>(`accounts/${accountId}`, (update) => {
    const known = client.getQueryData<One<Account>>(now.queryKey);
    if (asOf !== undefined || known === undefined || known.data.changedAt === update.changedAt) return;
    client.setQueryData<One<Account>>(now.queryKey, { ...known, data: { ...known.data, ...update } });
    readAgain();
  });
};
