/** Which tools may act as somebody, and ending that from afar. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { call, get } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Page, ToolGrant } from './types.ts';

export const toolGrantsKey = ['tool-grants'] as const;

/** What one gave oneself, or everybody. */
export const toolGrantsQuery = (everybody: boolean) =>
  infiniteQueryOptions({
    queryKey: [...toolGrantsKey, everybody],
    queryFn: ({ pageParam, signal }) =>
      get<Page<ToolGrant>>('/tool-grants', {
        query: { person: everybody ? '*' : undefined, limit: 50, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });

export const endToolGrant = async (id: string): Promise<void> => {
  await call(`/tool-grants/${encodeURIComponent(id)}/revoke`, { method: 'POST' });
};
