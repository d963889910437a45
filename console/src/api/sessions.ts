/** Where people are signed in, and ending a session from afar. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { call, get } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Page, Session } from './types.ts';

export const sessionsKey = ['sessions'] as const;

/** One's own, or everybody's. */
export const sessionsQuery = (everybody: boolean) =>
  infiniteQueryOptions({
    queryKey: [...sessionsKey, everybody],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Session>>('/sessions', {
        query: { person: everybody ? '*' : undefined, limit: 50, cursor: pageParam },
        signal,
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });

export const endSession = async (id: string): Promise<void> => {
  await call(`/sessions/${encodeURIComponent(id)}/revoke`, { method: 'POST' });
};
