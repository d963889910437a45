/**
 * How reads behave: passing faults are tried again, refusals are not, and an answer that says the
 * session ended sends the whole console back to the sign-in page.
 */
import { MutationCache, QueryCache, QueryClient } from '@tanstack/react-query';
import { meKey } from './me.ts';
import { Problem } from './problem.ts';

const tries = 2;

const sessionEnded = (error: unknown): void => {
  if (error instanceof Problem && error.code === 'not_authenticated') {
    void queryClient.invalidateQueries({ queryKey: meKey });
  }
};

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: sessionEnded }),
  mutationCache: new MutationCache({ onError: sessionEnded }),
  defaultOptions: {
    queries: {
      retry: (count, error) => error instanceof Problem && error.passing && count < tries,
      retryDelay: (count, error) =>
        (error instanceof Problem && error.retryAfterSeconds !== undefined
          ? error.retryAfterSeconds
          : count + 1) * 1_000,
    },
    mutations: { retry: false },
  },
});
