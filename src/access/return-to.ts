/**
 * Where to go after signing in: a path of our own and nothing that a browser could read as another
 * host. Refused rather than mended, because a `return_to` that needs mending was not written by us.
 */
const charactersMax = 2_000;
const forTools = /^\/auth\/oidc\/(sign-in\/[\w-]{1,64}|device)$/;

/** `/path?query#part`; undefined where it is anything else. */
export const ownPath = (given: unknown): string | undefined => {
  if (given === undefined) return '/';
  if (typeof given !== 'string' || given.length > charactersMax) return undefined;
  // Control characters and blanks are dropped by browsers; a backslash is read as a slash.
  if (!/^\/(?!\/)[^\\\s\p{Cc}]*$/u.test(given)) return undefined;
  const base = 'http://own.invalid';
  const url = URL.canParse(given, base) ? new URL(given, base) : undefined;
  if (url === undefined || url.origin !== base || url.pathname.startsWith('//')) return undefined;
  // Signing in leads nowhere near signing in again, but for a tool that waits for it.
  if (/^\/auth(\/|$)/i.test(url.pathname) && !forTools.test(url.pathname)) return undefined;
  return `${url.pathname}${url.search}${url.hash}`;
};
