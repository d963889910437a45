/**
 * Whether a request that carries a cookie comes from a page of ours. A browser adds the cookie to
 * requests that another site's page makes, but it also says truly whose page it was.
 */
import type { IncomingHttpHeaders } from 'node:http';

const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/;

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

export type OwnOrigin = (headers: IncomingHttpHeaders) => boolean;

/**
 * Whether another site's page sent the browser to an address of the API: a link, a form or a script opens it with
 * the Lax cookie, and what is asked there is recorded as asked by whoever is signed in. Typed in, or opened from
 * a page of ours, it says `none` or `same-origin`; callers that are no browsers say nothing.
 */
export const isForeignNavigation = ({
  url,
  headers,
}: {
  url: string;
  headers: IncomingHttpHeaders;
}): boolean =>
  /\/internal\/(v1|live)(\/|\?|$)/.test(url) &&
  ['cross-site', 'same-site'].includes(headers['sec-fetch-site'] as string);

/** A safe method changes nothing by itself. */
export const isSafe = (method: string): boolean => safeMethods.has(method.toUpperCase());

/** Where to begin instead when somebody opened us as localhost and the public URL says 127.0.0.1. */
export const sameMachineUnder = (publicUrl: string, host: string | undefined): string | undefined => {
  const own = new URL(publicUrl);
  const bothLoopback = loopbackHost.test(own.host) && host !== undefined && loopbackHost.test(host);
  return bothLoopback && host !== own.host ? own.origin : undefined;
};

/** Neither header at all is not proof enough: every browser in use sends one of them. */
export const createOwnOrigin = (publicUrl: string): OwnOrigin => {
  const own = new URL(publicUrl).origin;
  return (headers) => comesFrom(own, headers);
};

const comesFrom = (own: string, headers: IncomingHttpHeaders): boolean => {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  if (origin === undefined) return site === 'same-origin';
  if (origin === own) return true;
  // Opened as localhost while the public URL says 127.0.0.1. A rebound name is not one of these.
  return host !== undefined && loopbackHost.test(host) && origin === `http://${host}`;
};
