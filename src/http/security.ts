/**
 * Headers that tell a browser what our pages may do: nothing but what the console needs. Scripts only
 * from our own files; styles may stand inline because Mantine computes some.
 */
import type { RequestHandler } from 'express';
import helmet from 'helmet';

export interface SecurityOptions {
  /** Whether browsers reach us over https: then they are told to stay there. */
  readonly https: boolean;
  /** Origins that a form of ours may lead to by redirect: the identity providers' (single logout). */
  readonly formTargets: readonly string[];
}

export const securityHeaders = ({ https, formTargets }: SecurityOptions): RequestHandler =>
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
