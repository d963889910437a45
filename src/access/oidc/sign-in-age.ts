/** Whether a person's sign-in is too old for what a tool asks for with `max_age`. */
import type { Session } from '../sessions.ts';

/** A clock may be off by this much, ours or the provider's. */
export const skewMs = 30_000;

/** `maxAge`: seconds, as the tool sent them; whatever is no number asks for nothing. */
export const isOlder = (
  { authenticatedAt }: Pick<Session, 'authenticatedAt'>,
  maxAge: unknown,
  now = Date.now(),
): boolean => {
  const seconds = typeof maxAge === 'number' || typeof maxAge === 'string' ? Number(maxAge) : Number.NaN;
  return Number.isFinite(seconds) && now - authenticatedAt > seconds * 1_000;
};
