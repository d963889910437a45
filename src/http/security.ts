/**
 * Headers that tell a browser what our pages may do: nothing but what the console needs. Scripts and styles only
 * from our own files, but for the style of the documentation, known by its hash, and those that the console's
 * library computes, which carry the nonce of the page that they stand in.
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';
import { style as docsStyle } from './docs/style.ts';
import type { Step } from './step.ts';

export interface SecurityOptions {
  /** How browsers reach us; where that is https, they are told to stay there. */
  readonly publicUrl: string;
  /** Origins that a form of ours may lead to by redirect now: the identity providers' (single logout). */
  readonly formTargets: () => readonly string[];
}

const docsStyleHash = `'sha256-${createHash('sha256').update(docsStyle).digest('base64')}'`;

/** The policy of a page whose inline styles carry that nonce. */
export const withStyleNonce = (policy: string, nonce: string): string =>
  policy.replace("style-src 'self'", `style-src 'self' 'nonce-${nonce}'`);

const isData = /^\/(internal\/v1|scim)\//;

/** What an answer that is no page needs of it: never to be shown, framed or guessed at. */
const forData = [
  'x-content-type-options',
  'x-frame-options',
  'cross-origin-resource-policy',
  'referrer-policy',
  'strict-transport-security',
];

export const securityHeaders = (options: SecurityOptions): Step => {
  const pageNow = pageHeaders(options);
  const data = pageNow().filter(([name]) => forData.includes(name.toLowerCase()));
  const api = [...data, ['Content-Security-Policy', "default-src 'none';frame-ancestors 'none'"]] as const;
  return (request, response) => {
    const headers = isData.test(request.path) ? api : pageNow();
    for (const [name, value] of headers) response.setHeader(name, value);
  };
};

type Headers = readonly (readonly [string, string])[];

/** They change with the providers' addresses alone, so helmet is asked then and not at each request. */
const pageHeaders = ({ publicUrl, formTargets }: SecurityOptions): (() => Headers) => {
  let made: { readonly targets: string; readonly headers: Headers } | undefined;
  return () => {
    const now = formTargets();
    const targets = now.join(' ');
    if (made?.targets !== targets) made = { targets, headers: headersOf(helmetFor(publicUrl, now)) };
    return made.headers;
  };
};

const headersOf = (middleware: ReturnType<typeof helmet>): Headers => {
  const headers = new Map<string, string>();
  const response = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
  return [...headers];
};

/** Sockets of our own only: `'self'` means them too, but not in every browser. */
const socketOrigin = (publicUrl: string): string => new URL(publicUrl).origin.replace(/^http/, 'ws');

const helmetFor = (publicUrl: string, formTargets: readonly string[]): ReturnType<typeof helmet> => {
  const https = publicUrl.startsWith('https:');
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'", docsStyleHash],
        'connect-src': ["'self'", socketOrigin(publicUrl)],
        'img-src': ["'self'", 'data:'],
        'font-src': ["'self'"],
        'manifest-src': ["'self'"],
        'form-action': ["'self'", ...formTargets],
        'frame-ancestors': ["'none'"],
        'base-uri': ["'none'"],
        'object-src': ["'none'"],
      },
    },
    strictTransportSecurity: https ? { maxAge: 31_536_000, includeSubDomains: false } : false,
    referrerPolicy: { policy: 'same-origin' },
    frameguard: { action: 'deny' },
  });
};
