/**
 * Signing tools in: oidc-provider under `/auth/oidc`, and our step in the middle of it, which is signing a
 * person in. A device is let in only by somebody who is signed in, from a page of our own.
 */
import type { IncomingMessage } from 'node:http';
import { type Request, type RequestHandler, Router } from 'express';
import type { Access } from '../access/access.ts';
import { oidcPath, type ToolSignOn } from '../access/oidc/tool-sign-on.ts';
import { isSafe, sameMachineUnder } from '../access/own-origin.ts';
import { QuarterdeckError } from '../errors.ts';
import { clientAddressOf } from './authenticate.ts';

const signInAt = (path: string, fresh = false): string =>
  `/auth/saml/login?${fresh ? 'force=true&' : ''}return_to=${encodeURIComponent(path)}`;

/** The typed code as a link may carry it; anything else is no code. */
const userCodeOf = (request: Request): string | undefined => {
  const code = new URL(request.originalUrl, 'http://own.invalid').searchParams.get('user_code');
  return code !== null && /^[A-Za-z0-9-]{1,20}$/.test(code) ? code : undefined;
};

const withoutQuery = (request: IncomingMessage & { originalUrl: string }): void => {
  request.url = request.url?.split('?', 1)[0] ?? '/';
  request.originalUrl = request.originalUrl.split('?', 1)[0] ?? '/';
};

/**
 * All that oidc-provider is asked. Its own router also answers other spellings of these, capitals and closing
 * slashes, and would answer them past what is checked here first.
 */
const known = new Set([
  '/auth',
  '/device',
  '/device/auth',
  '/introspect',
  '/jwks',
  '/revoke',
  '/session/end/confirm',
  '/token',
  '/.well-known/openid-configuration',
]);
const resuming = /^\/(auth|device)\/[A-Za-z0-9_-]{1,64}$/;

const onlyKnown: RequestHandler = ({ path }, _response, next) => {
  if (known.has(path) || resuming.test(path)) return next();
  throw new QuarterdeckError('not_found', 'Nothing answers at this address.');
};

export const oidcRouter = (access: Access, tools: ToolSignOn): Router => {
  const router = Router({ strict: true, caseSensitive: true });

  /** Cookies are kept by host name, so a browser that opened us by another one would lose its way here. */
  const underOwnName: RequestHandler = (request, response, next) => {
    const elsewhere = sameMachineUnder(access.publicUrl, request.headers.host);
    if (elsewhere === undefined || request.method !== 'GET') return next();
    response.redirect(302, `${elsewhere}${request.originalUrl}`);
  };

  const signIn: RequestHandler = async (request, response) => {
    const next = await tools.continueSignIn(request, response).catch(expired);
    const here = `${oidcPath}${request.path}`;
    response.redirect(303, 'fresh' in next ? signInAt(here, next.fresh) : next.to);
  };

  const device: RequestHandler = async (request, response, next) => {
    if (!isSafe(request.method) && !access.comesFromOwnOrigin(request.headers)) {
      throw new QuarterdeckError('not_permitted', 'A device is let in from a page of our own origin only.');
    }
    if (!(await tools.isSignedIn(request))) return response.redirect(303, signInAt(request.originalUrl));
    const userCode = userCodeOf(request);
    withoutQuery(request);
    response.locals.userCode = userCode;
    next();
  };

  router.get('/auth', underOwnName);
  router.get('/sign-in/:uid', signIn);
  router.get('/device', underOwnName);
  router.all('/device', device);
  router.use(onlyKnown, (request, response) => {
    const userCode = response.locals.userCode as string | undefined;
    tools.handle(request, response, { ip: clientAddressOf(response), userCode });
  });
  return router;
};

const expired = (cause: unknown): never => {
  if (!(cause instanceof Error) || cause.name !== 'SessionNotFound') throw cause;
  const message = 'This sign-in took too long, or was begun in another browser. Begin again in the tool.';
  throw new QuarterdeckError('malformed_request', message, { cause });
};
