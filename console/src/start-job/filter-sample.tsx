/**
 * What a filter would act on. The API has no count, and the list may change until the job is accepted:
 * so a few rows for a look, and a sentence that says who decides.
 */
import { List, Stack, Text } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { type AccountFilter, sentenceOf } from '../accounts/account-filter.ts';
import { accountsQuery } from '../api/accounts.ts';
import { rowsOf } from '../api/paging.ts';
import type { Account } from '../api/types.ts';
import { Trouble } from '../parts/states.tsx';
import { money } from '../parts/written.ts';

const sampleSize = 3;
const fields = 'accountId,status,contract,monthlyCharges,currency';

export const FilterSample = ({ filter }: { readonly filter: AccountFilter }) => {
  const sample = useInfiniteQuery(accountsQuery({ ...filter, sort: 'accountId', fields }, sampleSize));
  const rows = rowsOf(sample.data);
  return (
    <Stack gap={4} data-testid="filter-sample">
      <Text size="sm">
        The job will act on <strong>{sentenceOf(filter)}</strong>. The server evaluates the filter when it
        accepts the job; a dry run tells how many that are.
      </Text>
      {sample.isError && <Trouble error={sample.error} />}
      {sample.isSuccess && rows.length === 0 && (
        <Text size="sm" c="orange">
          No account matches now.
        </Text>
      )}
      {rows.length > 0 && (
        <List size="sm" className="quiet numbers">
          {rows.map((row) => (
            <List.Item key={row.accountId}>{lineOf(row)}</List.Item>
          ))}
          {sample.hasNextPage && <List.Item>… and more</List.Item>}
        </List>
      )}
    </Stack>
  );
};

const lineOf = (row: Account) => (
  <>
    <span className="mono">{row.accountId}</span> {row.status}, {row.contract},{' '}
    {money(row.monthlyCharges, row.currency)}
  </>
);
