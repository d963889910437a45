/**
 * The gate of `access/`, as steps of a request: network, customer credentials, session. The app runs
 * them in that order before anything else of a request is read. A refusal is thrown as the error that
 * `problem.ts` answers with; it is recorded by the gate itself.
 */
import type { Request, Response } from 'express';
import type { Gate, Incoming } from '../access/gate.ts';
import type { Principal } from '../access/principal.ts';
import { isQuarterdeckError, type QuarterdeckError } from '../errors.ts';
import { setCaller } from './caller.ts';
import type { Step } from './step.ts';

export interface GateHandlers {
  readonly network: Step;
  readonly credentials: Step;
  readonly session: (request: Request, response: Response) => Promise<void>;
}

export const incomingOf = (request: Request): Incoming => ({
  peer: request.socket.remoteAddress,
  method: request.method,
  url: request.originalUrl,
  headers: request.headers,
});

/** The client's address, as the network gate found it: behind trusted proxies, not the proxy. */
export const clientAddressOf = (response: Response): string =>
  (response.locals.ip as string | undefined) ?? '';

export const gateHandlers = (gate: Gate): GateHandlers => ({
  network: (request, response) => {
    response.locals.ip = gate.admit(incomingOf(request));
  },
  credentials: (request, response) => {
    gate.refuseCustomers(incomingOf(request), clientAddressOf(response));
  },
  session: async (request, response) => {
    const ip = clientAddressOf(response);
    try {
      const incoming = incomingOf(request);
      const principal = await gate.identify(incoming, ip);
      gate.count(incoming, principal, ip);
      setCaller(response, principal, ip);
    } catch (error) {
      challenge(request, response, error);
      throw error;
    }
  },
});

/** RFC 6750, section 3: what to come with, and whether what came was at fault. */
const challenge = (request: Request, response: Response, error: unknown): void => {
  if (!isQuarterdeckError(error) || error.code !== 'not_authenticated') return;
  const fault = request.headers.authorization === undefined ? '' : ', error="invalid_token"';
  response.setHeader('WWW-Authenticate', `Bearer realm="quarterdeck"${fault}`);
};

/** Records a refusal that was decided behind the gate: a permission that is missing for a read. */
export const recordDenial = (
  gate: Gate,
  request: Request,
  response: Response,
  error: QuarterdeckError,
): void => {
  const principal = response.locals.principal as Principal | undefined;
  gate.denied(incomingOf(request), principal, clientAddressOf(response), error);
};
