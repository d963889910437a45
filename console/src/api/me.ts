/** Who is signed in, what they may do, and where to sign in. */
import { queryOptions } from '@tanstack/react-query';
import { isSigningInAgain } from '../step-up/fresh-sign-in.ts';
import { get } from './client.ts';
import { Problem } from './problem.ts';
import type { Me } from './types.ts';

export const meKey = ['me'] as const;

/** `null` when nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: meKey,
  queryFn: ({ signal }) => readMe(signal),
  staleTime: 60_000,
});

const readMe = async (signal: AbortSignal): Promise<Me | null> => {
  try {
    return await get<Me>('/me', { signal });
  } catch (error) {
    if (error instanceof Problem && error.status === 401 && !isSigningInAgain()) return null;
    throw error;
  }
};

/** The same reading of grants as the server's: exact, `area:*` or `*`. For showing only; the server decides. */
export const permits = (me: Me, permission: string): boolean =>
  me.permissions.some(
    (grant) =>
      grant === '*' ||
      grant === permission ||
      (grant.endsWith(':*') && permission.startsWith(grant.slice(0, -1))),
  );

export const signInUrl = (returnTo: string): string =>
  `/auth/saml/login?return_to=${encodeURIComponent(returnTo)}`;
