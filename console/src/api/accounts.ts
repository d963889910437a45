/** Reading accounts: the list by filter, sort and cursor, and one account now or as of a moment. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { Query } from './client.ts';
import { get } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Account, One, Page } from './types.ts';

const pageSize = 100;

/** `query` is the API's own grammar: `status`, `monthlyCharges[gte]`, `sort` … */
export const accountsQuery = (query: Query, limit: number = pageSize) =>
  infiniteQueryOptions({
    queryKey: ['accounts', query, limit],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Account>>('/accounts', { query: { ...query, limit, cursor: pageParam }, signal, fresh: true }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });

/** `asOf` is a time in ISO form or a position; absent, the newest state. */
export const accountQuery = (accountId: string, asOf: string | undefined) =>
  queryOptions({
    queryKey: ['account', accountId, asOf ?? 'now'],
    queryFn: ({ signal }) =>
      get<One<Account>>(`/accounts/${encodeURIComponent(accountId)}`, {
        query: { asOf },
        signal,
        fresh: asOf === undefined,
      }),
  });
