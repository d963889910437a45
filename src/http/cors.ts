/**
 * Cross-origin calls of tools: answered for exactly the origins that the policy in force names, and never
 * with credentials, so that a cookie of ours is of no use to another origin's page; it brings a token.
 */
import type { RequestHandler } from 'express';

const allowedHeaders = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'Quarterdeck-Min-Position',
  'Quarterdeck-Reason',
  'Quarterdeck-Reference',
  'traceparent',
].join(', ');

const exposedHeaders = [
  'ETag',
  'Idempotent-Replayed',
  'Location',
  'Quarterdeck-Position',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
].join(', ');

const preflightSeconds = '600';

export const crossOrigin =
  (isToolOrigin: (origin: string) => boolean): RequestHandler =>
  (request, response, next) => {
    const { origin } = request.headers;
    response.vary('Origin');
    if (origin === undefined || !isToolOrigin(origin)) return next();
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return next();
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
    response.setHeader('Access-Control-Allow-Headers', allowedHeaders);
    response.setHeader('Access-Control-Max-Age', preflightSeconds);
    response.status(204).end();
  };
