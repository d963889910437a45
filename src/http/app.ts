/**
 * The API as one express router, in the order in which a request passes: network, security headers,
 * request id, health, signing in, customer credentials, session, API, console. What no route answers is
 * a problem too. The router mounts in a foreign express app: there it touches only addresses of its own.
 */
import express, { type Request, type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { isQuarterdeckError } from '../errors.ts';
import type { GateHandlers } from './authenticate.ts';
import { consoleFiles } from './console.ts';
import { correlate } from './correlation.ts';
import { type HealthCheck, livez, readyz } from './health.ts';
import { dropLeftover } from './leftover.ts';
import { requestLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import { notFound, problemHandler } from './problem.ts';
import { allowedMethods, mountRoutes, type OnDenied, type Route } from './route.ts';
import { type SecurityOptions, securityHeaders } from './security.ts';

export interface AppDependencies {
  readonly log: Logger;
  readonly newId: () => string;
  readonly metrics: Metrics;
  /** Network, customer credentials, session: what stands before the API. */
  readonly gates: GateHandlers;
  readonly onDenied: OnDenied;
  readonly healthChecks: readonly HealthCheck[];
  readonly security: SecurityOptions;
  /** Everything under `/auth`. */
  readonly auth: RequestHandler;
  /** Everything under `/internal`. */
  readonly routes: readonly Route[];
  /** The built console; without it only the API is served. */
  readonly consoleDirectory?: string;
}

const ownAddress = /^\/(internal|auth|livez|readyz|metrics)(\/|$)/;

export const createRouter = (deps: AppDependencies): Router => {
  const inner = innerRouter(deps);
  const outer = Router();
  outer.use((request, response, next) => {
    const ours = deps.consoleDirectory !== undefined || ownAddress.test(request.path);
    return ours ? inner(request, response, next) : next();
  });
  return outer;
};

/** An express app of its own around the router. */
export const createApp = (deps: AppDependencies): express.Express => {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  app.use(innerRouter(deps));
  return app;
};

const innerRouter = (deps: AppDependencies): Router => {
  const router = Router({ strict: true, caseSensitive: true });
  // The id and the measuring come first in code, so that a refusal by the network gate is logged too.
  router.use(dropLeftover, correlate(deps.newId), requestLog(deps.log), deps.metrics.http);
  router.use(deps.gates.network, securityHeaders(deps.security));
  router.get('/livez', labelled('/livez', livez));
  router.get('/readyz', labelled('/readyz', readyz(deps.healthChecks)));
  router.get('/metrics', labelled('/metrics', deps.metrics.scrape));
  router.use(['/internal', '/auth'], neverStored);
  router.use('/auth', labelled('/auth', deps.auth));
  router.use('/internal', deps.gates.credentials, pagesToSignIn(deps.gates.session));
  mountRoutes(router, deps.routes, deps.onDenied);
  router.use(['/internal', '/auth'], unansweredOf(deps.routes));
  if (deps.consoleDirectory !== undefined) router.use(...consoleFiles(deps.consoleDirectory));
  router.use(unanswered, problemHandler(deps.log));
  return router;
};

const labelled =
  (route: string, handler: RequestHandler): RequestHandler =>
  (request, response, next) => {
    response.locals.route = route;
    return handler(request, response, next);
  };

/** A person who opens a page of ours without a session is led to sign in; a program gets its 401. */
const pagesToSignIn =
  (session: RequestHandler): RequestHandler =>
  async (request, response, next) => {
    const passOn = (error?: unknown) => {
      const opensPage = request.method === 'GET' && (request.get('accept')?.includes('text/html') ?? false);
      if (!opensPage || !isQuarterdeckError(error) || error.code !== 'not_authenticated') return next(error);
      response.redirect(302, `/auth/saml/login?return_to=${encodeURIComponent(request.originalUrl)}`);
    };
    try {
      await session(request, response, passOn);
    } catch (error) {
      passOn(error);
    }
  };

const neverStored: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  next();
};

const unanswered: RequestHandler = (request) => {
  throw notFound(`Nothing answers ${request.method} at this address.`);
};

/** A known path asked with another method: told which ones it answers. */
const unansweredOf = (routes: readonly Route[]): RequestHandler => {
  const allowed = allowedMethods(routes);
  return (request, response) => {
    const methods = allowed(pathOf(request));
    if (methods.length > 0) response.setHeader('Allow', [...methods, 'OPTIONS'].join(', '));
    if (methods.length > 0 && request.method === 'OPTIONS') {
      response.status(204).end();
      return;
    }
    const others = methods.length === 0 ? '' : ` It answers ${methods.join(', ')}.`;
    throw notFound(`Nothing answers ${request.method} at this address.${others}`);
  };
};

const pathOf = (request: Request): string => `${request.baseUrl}${request.path}`;
