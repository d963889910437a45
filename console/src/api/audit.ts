/** The audit log: events by filter, and the states of one stream. */
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import type { Query } from './client.ts';
import { get } from './client.ts';
import { nextCursor } from './paging.ts';
import { Problem } from './problem.ts';
import type { LogEvent, Page, StreamState } from './types.ts';

export const eventsQuery = (query: Query) =>
  infiniteQueryOptions({
    queryKey: ['audit-events', query],
    queryFn: ({ pageParam, signal }) =>
      get<Page<LogEvent>>('/audit/events', { query: { ...query, limit: 100, after: pageParam }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
  });

/** `null` when one may not read it or there is none: then nothing is shown of it. */
export const historyQuery = (stream: string) =>
  queryOptions({
    queryKey: ['history', stream],
    queryFn: ({ signal }) => readHistory(stream, signal),
  });

const readHistory = async (stream: string, signal: AbortSignal): Promise<readonly StreamState[] | null> => {
  try {
    const path = `/audit/replay/${encodeURIComponent(stream)}`;
    return (await get<{ states: readonly StreamState[] }>(path, { signal })).states;
  } catch (error) {
    if (error instanceof Problem && (error.status === 403 || error.status === 404)) return null;
    throw error;
  }
};
