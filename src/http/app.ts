/**
 * The API as one express router, in the order in which a request passes: network, security headers,
 * request id, health, signing in, customer credentials, session, API, console. What no route answers is
 * a problem too. The router mounts in a foreign express app: there it touches only addresses of its own.
 */
import express, { type RequestHandler, Router } from 'express';
import type { Logger } from 'pino';
import { isQuarterdeckError } from '../errors.ts';
import type { GateHandlers } from './authenticate.ts';
import { consoleFiles } from './console.ts';
import { correlate } from './correlation.ts';
import { dispatch, unanswered } from './dispatch.ts';
import { type HealthCheck, livez, readyz } from './health.ts';
import { dropLeftover } from './leftover.ts';
import { requestLog } from './log.ts';
import type { Metrics } from './metrics.ts';
import { problemHandler } from './problem.ts';
import type { OnDenied, Route } from './route.ts';
import { type SecurityOptions, securityHeaders } from './security.ts';
import { below, inSequence } from './sequence.ts';

export interface AppDependencies {
  readonly log: Logger;
  readonly newId: () => string;
  readonly metrics: Metrics;
  /** Network, customer credentials, session: what stands before the API. */
  readonly gates: GateHandlers;
  readonly onDenied: OnDenied;
  readonly healthChecks: readonly HealthCheck[];
  readonly security: SecurityOptions;
  /** Everything under `/auth`, but for signing tools in. */
  readonly auth: RequestHandler;
  /** Everything under `/auth/oidc`. */
  readonly oidc: RequestHandler;
  /** Answers pages of the tools' own origins. */
  readonly crossOrigin: RequestHandler;
  /** Everything under `/scim`; without it nothing answers there. */
  readonly scim?: RequestHandler;
  /** Everything under `/internal`. */
  readonly routes: readonly Route[];
  /** The built console; without it only the API is served. */
  readonly consoleDirectory?: string;
}

const ownAddress = /^\/(internal|auth|scim|livez|readyz|metrics)(\/|$)/;

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
  router.use(
    inSequence(
      dropLeftover,
      correlate(deps.newId),
      requestLog(deps.log),
      deps.metrics.http,
      deps.gates.network,
      securityHeaders(deps.security),
      below('/internal', apiOf(deps)),
    ),
  );
  router.get('/livez', labelled('/livez', livez));
  router.get('/readyz', labelled('/readyz', readyz(deps.healthChecks)));
  router.get('/metrics', labelled('/metrics', deps.metrics.scrape));
  router.use('/auth', neverStored);
  router.use('/auth/oidc', labelled('/auth/oidc', deps.oidc));
  router.use('/auth', labelled('/auth', deps.auth), nothingHere);
  router.use('/scim', neverStored, deps.gates.credentials, deps.scim ?? nothingHere, nothingHere);
  if (deps.consoleDirectory !== undefined) router.use(...consoleFiles(deps.consoleDirectory));
  router.use(nothingHere, problemHandler(deps.log));
  return router;
};

/** Everything under `/internal`, from customer credentials to the answer: what passes no gate reaches no route. */
const apiOf = ({ gates, routes, onDenied, crossOrigin }: AppDependencies): RequestHandler =>
  inSequence(
    neverStored,
    crossOrigin,
    gates.credentials,
    pagesToSignIn(gates.session),
    dispatch(routes, onDenied),
  );

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

const nothingHere: RequestHandler = (request) => {
  throw unanswered(request);
};
