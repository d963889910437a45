/**
 * Requests and answers that are express's kind from birth. Express makes each message its own by changing
 * its prototype, and whatever looks at such an object afterwards is slow: a tenth of a request's time.
 */
import { IncomingMessage, ServerResponse } from 'node:http';
import express, { type Request, type Response } from 'express';

/** Routes nothing: express's methods of a message look up here how they are set. */
const settings = express();
settings.disable('x-powered-by');
settings.disable('etag');
settings.set('query parser', 'simple');

class ExpressRequest extends IncomingMessage {}
Object.setPrototypeOf(ExpressRequest.prototype, settings.request);

class ExpressResponse extends ServerResponse<ExpressRequest> {}
Object.setPrototypeOf(ExpressResponse.prototype, settings.response);

/** For `createServer` of `node:http` and `node:https`. */
export const messages = { IncomingMessage: ExpressRequest, ServerResponse: ExpressResponse };

/** The two as handlers of express know them, also where a server was made without `messages`. */
export const asRequest = (incoming: IncomingMessage): Request => {
  if (!(incoming instanceof ExpressRequest)) Object.setPrototypeOf(incoming, ExpressRequest.prototype);
  const request = incoming as unknown as Request;
  request.originalUrl = request.url;
  return request;
};

export const asResponse = (outgoing: ServerResponse, request: Request): Response => {
  if (!(outgoing instanceof ExpressResponse)) Object.setPrototypeOf(outgoing, ExpressResponse.prototype);
  const response = outgoing as unknown as Response;
  request.res = response;
  // One shape for all of them; the members of what nobody has found out yet are there already.
  response.locals = {
    correlation: undefined,
    route: undefined,
    ip: undefined,
    principal: undefined,
    code: undefined,
  };
  return response;
};
