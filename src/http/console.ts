/**
 * The web console's files. Names under `assets/` carry a hash of their content and may be kept for
 * ever; `index.html` is always asked for anew, and answers every address that a person opens, because
 * the console routes in the browser. Only a request for HTML gets it: a mistyped API path stays a 404. Each
 * answer has a nonce of its own, by which the styles that the console computes are told from injected ones.
 */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import express, { type Request, type RequestHandler } from 'express';
import { notFound } from './problem.ts';
import { withStyleNonce } from './security.ts';

/** What the build writes where the nonce goes (`console/vite.config.ts`). */
const noncePlaceholder = '__quarterdeck_nonce__';

/** `directory`: where `npm run build` puts the console (`dist/console`). */
export const consoleFiles = (directory: string): readonly RequestHandler[] => [
  express.static(directory, {
    index: false,
    redirect: false,
    etag: false,
    setHeaders: (response, path) => {
      const hashed = path.startsWith(join(directory, 'assets'));
      response.setHeader('Cache-Control', hashed ? 'public, max-age=31536000, immutable' : 'no-store');
    },
  }),
  page(join(directory, 'index.html')),
];

const page =
  (file: string): RequestHandler =>
  (request, response, next) => {
    if (!readsPage(request)) return next();
    const nonce = randomBytes(16).toString('base64');
    readFile(file, 'utf8').then(
      (html) => {
        const policy = String(response.getHeader('Content-Security-Policy') ?? '');
        response.locals.route = 'console';
        response.setHeader('Content-Security-Policy', withStyleNonce(policy, nonce));
        response.setHeader('Cache-Control', 'no-store');
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        response.end(html.replaceAll(noncePlaceholder, nonce));
      },
      () => next(notFound('The console is not built; run `npm run build`.')),
    );
  };

/** Anybody may read `/`; elsewhere `*∕*` alone is what curl and fetch send, not a person's browser. */
const readsPage = (request: Request): boolean => {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false;
  if (request.path === '/') return true;
  // Files lie at the top or under assets/; elsewhere a dot belongs to an id (`/accounts/acme.inc`).
  const isFile = /^\/(assets\/.*|[^/]*\.[^/]*)$/.test(request.path);
  return !isFile && (request.get('accept')?.includes('text/html') ?? false);
};
