/**
 * Who is behind a request. The session gate puts the principal into `response.locals`; handlers take it
 * from here as the `Origin` that every use case of the engine asks for. A handler that runs without a
 * principal was mounted outside the gate: that is refused, never assumed.
 */
import type { Response } from 'express';
import type { Origin } from '../access/origin.ts';
import type { Principal } from '../access/principal.ts';
import { QuarterdeckError } from '../errors.ts';
import { correlationOf } from './correlation.ts';

/** Called by the gate that found out who it is; `ip` is the address behind trusted proxies. */
export const setCaller = (response: Response, principal: Principal, ip: string | undefined): void => {
  response.locals.principal = principal;
  response.locals.ip = ip;
};

export const principalOf = (response: Response): Principal => {
  const principal = response.locals.principal as Principal | undefined;
  if (principal === undefined) throw new QuarterdeckError('not_authenticated', 'Sign in first.');
  return principal;
};

export const originOf = (response: Response): Origin => {
  const { correlationId, traceparent } = correlationOf(response);
  const ip = response.locals.ip as string | undefined;
  return {
    principal: principalOf(response),
    correlationId,
    ...(ip === undefined ? {} : { ip }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
};
