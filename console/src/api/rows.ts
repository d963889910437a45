/** Rows of any read model: a page by filter, sort and cursor. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { get, type Query } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Page } from './types.ts';

export type Row = Readonly<Record<string, unknown>>;

export const rowsQuery = (projection: string, query: Query) =>
  infiniteQueryOptions({
    queryKey: ['rows', projection, query],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Row>>(`/${projection}`, {
        query: { ...query, limit: 100, cursor: pageParam },
        signal,
        fresh: true,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });
