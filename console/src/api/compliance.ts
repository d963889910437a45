/** Whose personal data was erased, and what legal holds keep. */
import { infiniteQueryOptions } from '@tanstack/react-query';
import { get } from './client.ts';
import { nextCursor } from './paging.ts';
import type { Page } from './types.ts';

export interface Erasure {
  readonly subject: string;
  readonly state: 'erased' | 'scrubbed';
  readonly basis: string | null;
  readonly statute: string | null;
  readonly erasedAt: string;
  readonly scrubbedAt: string | null;
  readonly reappliedAt: string | null;
}

export interface LegalHold {
  readonly holdId: string;
  readonly subject: string;
  readonly matter: string;
  readonly state: 'active' | 'lifted';
  readonly placedAt: string;
  readonly liftedAt: string | null;
}

const listOf = <Row>(path: string, sort: string) =>
  infiniteQueryOptions({
    queryKey: [path],
    queryFn: ({ pageParam, signal }) =>
      get<Page<Row>>(path, { query: { sort, limit: 50, cursor: pageParam }, signal, fresh: true }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextCursor,
    // Copies are scrubbed while somebody looks.
    refetchInterval: 5_000,
  });

export const erasuresQuery = listOf<Erasure>('/erasures', '-erasedAt');
export const holdsQuery = listOf<LegalHold>('/legal-holds', '-placedAt');
