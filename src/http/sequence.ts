/**
 * Handlers that run one after the other, as one handler: for what every request passes. Each of them as
 * a layer of express's own router would cost a match, a trimmed path and a closure more.
 */
import type { NextFunction, Request, RequestHandler, Response } from 'express';

/** What a handler throws or rejects with ends the sequence like `next(error)`. */
export const inSequence =
  (...handlers: readonly RequestHandler[]): RequestHandler =>
  (request, response, next) =>
    runFrom(0, handlers, { request, response, next });

interface Passing {
  readonly request: Request;
  readonly response: Response;
  readonly next: NextFunction;
}

const runFrom = (at: number, handlers: readonly RequestHandler[], passing: Passing): void => {
  const { request, response, next } = passing;
  const handler = handlers[at];
  if (handler === undefined) {
    next();
    return;
  }
  const result: unknown = handler(request, response, (error?: unknown) => {
    if (error === undefined) runFrom(at + 1, handlers, passing);
    else next(error);
  });
  if (result instanceof Promise) result.catch(next);
};

/** The handler for addresses at or below a path; others pass by. */
export const below = (path: string, handler: RequestHandler): RequestHandler => {
  const inside = `${path}/`;
  return (request, response, next) =>
    request.path === path || request.path.startsWith(inside) ? handler(request, response, next) : next();
};
