/**
 * What every request passes before it is answered, as plain calls one after the other: a layer of
 * express's router each would cost a match, a trimmed path and a closure more.
 */
import type { Request, RequestHandler, Response } from 'express';

/** Does its part or throws the error that is answered; never answers itself. */
export type Step = (request: Request, response: Response) => void;

export const inTurn =
  (...steps: readonly Step[]): Step =>
  (request, response) => {
    for (const step of steps) step(request, response);
  };

/** As a layer of an express router. */
export const asLayer =
  (step: (...passing: Parameters<Step>) => void | Promise<void>): RequestHandler =>
  async (request, response, next) => {
    await step(request, response);
    next();
  };

/** Told once of each request, when it was answered or its connection was lost. */
export type OnEnded = (request: Request, response: Response, durationMs: number) => void;

export const tellEnd =
  (...listeners: readonly OnEnded[]): Step =>
  (request, response) => {
    const startedAt = performance.now();
    response.on('close', () => {
      const durationMs = performance.now() - startedAt;
      for (const tell of listeners) tell(request, response, durationMs);
    });
  };
