/**
 * The way of a request, in the order in which it passes: request id, network, security headers; then for
 * the API customer credentials, session and route, for all else (signing in, health, console) express's
 * own router. What no route answers is a problem too. Mounted in a foreign express app it touches only
 * addresses of its own.
 */
import type { RequestListener } from 'node:http';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import type { Logger } from 'pino';
import { isQuarterdeckError } from '../errors.ts';
import type { GateHandlers } from './authenticate.ts';
import { consoleFiles } from './console.ts';
import { correlate } from './correlation.ts';
import { dispatch, unanswered } from './dispatch.ts';
import { problemsPage } from './docs/problems.ts';
import { type HealthCheck, livez, readyz } from './health.ts';
import { dropLeftover } from './leftover.ts';
import { requestLog } from './log.ts';
import { asRequest, asResponse } from './messages.ts';
import type { Metrics } from './metrics.ts';
import { problemHandler } from './problem.ts';
import type { OnDenied, Route } from './route.ts';
import { type SecurityOptions, securityHeaders } from './security.ts';
import { asLayer, inTurn, type Step, tellEnd } from './step.ts';

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
  /** Answers pages of the tools' own origins; whether the request is answered with that. */
  readonly crossOrigin: (request: Request, response: Response) => boolean;
  /** Everything under `/scim`; without it nothing answers there. */
  readonly scim?: RequestHandler;
  /** Everything under `/internal`. */
  readonly routes: readonly Route[];
  /** The built console; without it only the API is served. */
  readonly consoleDirectory?: string;
}

const ownAddress = /^\/(internal|auth|scim|livez|readyz|metrics|problems)(\/|$)/;

export const createRouter = (deps: AppDependencies): Router => {
  const answer = answering(deps);
  const router = Router();
  router.use((request, response, next) => {
    const ours = deps.consoleDirectory !== undefined || ownAddress.test(request.path);
    return ours ? answer(request, response) : next();
  });
  return router;
};

/** For a server of our own, best one made with `messages`. */
export const createApp = (deps: AppDependencies): RequestListener => {
  const answer = answering(deps);
  return (incoming, outgoing) => {
    const request = asRequest(incoming);
    answer(request, asResponse(outgoing, request));
  };
};

type Answering = (request: Request, response: Response) => Promise<void>;

/** Answers every request, whatever becomes of it: nothing is thrown and nothing passed on. */
const answering = (deps: AppDependencies): Step => {
  // The id and the measuring come first, so that a refusal by the network gate is logged too.
  const enter = inTurn(
    correlate(deps.newId),
    tellEnd(requestLog(deps.log), deps.metrics.http, dropLeftover),
    deps.gates.network,
    securityHeaders(deps.security),
  );
  const api = apiOf(deps);
  const others = othersOf(deps);
  const refuse = problemHandler(deps.log);
  const answer: Answering = async (request, response) => {
    enter(request, response);
    if (/^\/internal(\/|$)/.test(request.path)) return api(request, response);
    others(request, response, (error: unknown) => refuse(error, request, response, ignore));
  };
  return (request, response) => {
    answer(request, response)
      .catch((error: unknown) => refuse(error, request, response, ignore))
      .catch(() => response.destroy());
  };
};

const ignore = (): void => undefined;

/** Everything under `/internal`: what passes no gate reaches no route. */
const apiOf = ({ gates, routes, onDenied, crossOrigin }: AppDependencies): Answering => {
  const dispatched = dispatch(routes, onDenied);
  return async (request, response) => {
    neverStored(request, response);
    if (crossOrigin(request, response)) return;
    gates.credentials(request, response);
    try {
      await gates.session(request, response);
    } catch (error) {
      leadToSignIn(error, request, response);
      return;
    }
    await dispatched(request, response);
  };
};

const othersOf = (deps: AppDependencies): Router => {
  const router = Router({ strict: true, caseSensitive: true });
  router.get('/livez', labelled('/livez', livez));
  router.get('/readyz', labelled('/readyz', readyz(deps.healthChecks)));
  router.get('/metrics', labelled('/metrics', deps.metrics.scrape));
  router.get('/problems', labelled('/problems', problemsOpen));
  router.use(['/auth', '/scim'], asLayer(neverStored));
  router.use('/auth/oidc', labelled('/auth/oidc', deps.oidc));
  router.use('/auth', labelled('/auth', deps.auth), nothingHere);
  router.use('/scim', asLayer(deps.gates.credentials), deps.scim ?? nothingHere, nothingHere);
  if (deps.consoleDirectory !== undefined) router.use(...consoleFiles(deps.consoleDirectory));
  router.use(nothingHere);
  return router;
};

const labelled =
  (route: string, handler: RequestHandler): RequestHandler =>
  (request, response, next) => {
    response.locals.route = route;
    return handler(request, response, next);
  };

/** A person who opens a page of ours without a session is led to sign in; a program gets its 401. */
const leadToSignIn = (error: unknown, request: Request, response: Response): void => {
  const opensPage = request.method === 'GET' && (request.get('accept')?.includes('text/html') ?? false);
  if (!opensPage || !isQuarterdeckError(error) || error.code !== 'not_authenticated') throw error;
  response.redirect(302, `/auth/saml/login?return_to=${encodeURIComponent(request.originalUrl)}`);
};

const problemsOpen: RequestHandler = (_request, response) => {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end(problemsPage);
};

const neverStored: Step = (_request, response) => {
  response.setHeader('Cache-Control', 'no-store');
};

const nothingHere: RequestHandler = (request) => {
  throw unanswered(request);
};
