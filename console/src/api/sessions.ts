/** Where one is signed in, and ending a session from afar. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { call, get } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Page, Session } from './types.ts';

export const sessionsKey = ['sessions'] as const;

/** `person`: `*` for everybody; one's own without it. */
export const sessionsQuery = (person: string | undefined) =>
  infiniteQueryOptions({
    queryKey: [...sessionsKey, person],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Session>>('/sessions', { query: { person, limit: 100, cursor: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });

export const revokeSession = (id: string): Promise<unknown> =>
  call(`/sessions/${encodeURIComponent(id)}/revoke`, { method: 'POST' });
