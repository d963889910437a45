/**
 * Cross-origin calls of tools: answered for exactly the origins that the policy in force names, and never
 * with credentials, so that a cookie of ours is of no use to another origin's page; it brings a token.
 */
import type { Request, Response } from 'express';

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

/** Whether the request is answered with it. */
export const crossOrigin =
  (isToolOrigin: (origin: string) => boolean) =>
  (request: Request, response: Response): boolean => {
    const { origin } = request.headers;
    if (response.hasHeader('Vary')) response.vary('Origin');
    else response.setHeader('Vary', 'Origin');
    if (origin === undefined || !isToolOrigin(origin)) return false;
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', exposedHeaders);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
      return false;
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST');
    response.setHeader('Access-Control-Allow-Headers', allowedHeaders);
    response.setHeader('Access-Control-Max-Age', preflightSeconds);
    response.status(204).end();
    return true;
  };
