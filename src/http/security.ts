/**
 * Headers that tell a browser what our pages may do: nothing but what the console needs. Scripts only
 * from our own files; styles may stand inline because Mantine computes some.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';
import type { Step } from './step.ts';

export interface SecurityOptions {
  /** Whether browsers reach us over https: then they are told to stay there. */
  readonly https: boolean;
  /** Origins that a form of ours may lead to by redirect: the identity providers' (single logout). */
  readonly formTargets: readonly string[];
}

/** What an answer that is no page needs of it: never to be shown, framed or guessed at. */
const forData = [
  'x-content-type-options',
  'x-frame-options',
  'cross-origin-resource-policy',
  'referrer-policy',
  'strict-transport-security',
];

export const securityHeaders = (options: SecurityOptions): Step => {
  const page = headersOf(helmetFor(options));
  const data = page.filter(([name]) => forData.includes(name.toLowerCase()));
  const api = [...data, ['Content-Security-Policy', "default-src 'none';frame-ancestors 'none'"]] as const;
  return (request, response) => {
    const headers = request.path.startsWith('/internal/v1/') ? api : page;
    for (const [name, value] of headers) response.setHeader(name, value);
  };
};

/** They never change, so helmet is asked once and not at each request. */
const headersOf = (middleware: ReturnType<typeof helmet>): readonly (readonly [string, string])[] => {
  const headers = new Map<string, string>();
  const response = {
    setHeader: (name: string, value: string) => headers.set(name, value),
    removeHeader: (name: string) => headers.delete(name),
  };
  middleware({} as IncomingMessage, response as unknown as ServerResponse, () => undefined);
  return [...headers];
};

const helmetFor = ({ https, formTargets }: SecurityOptions): ReturnType<typeof helmet> =>
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        'default-src': ["'none'"],
        'script-src': ["'self'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'connect-src': ["'self'", 'ws:', ...(https ? ['wss:'] : [])],
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
