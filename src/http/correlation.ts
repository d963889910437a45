/**
 * Every request has an id of its own, and belongs to something larger: the trace that a `traceparent`
 * header (W3C Trace Context) names, else itself. Both are in the log lines and in the metadata of what
 * the request caused.
 */
import type { Response } from 'express';
import type { Step } from './step.ts';

export interface Correlation {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent?: string;
}

const pattern = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;

/** The trace id of a well-formed `traceparent`; a malformed one is ignored, as the standard asks. */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  traceparent === undefined || traceparent.length > 128 ? undefined : pattern.exec(traceparent)?.[1];

export const correlate =
  (newId: () => string): Step =>
  (request, response) => {
    const requestId = newId();
    const traceparent = request.get('traceparent');
    const traceId = traceIdOf(traceparent);
    const correlation: Correlation = {
      requestId,
      correlationId: traceId ?? requestId,
      ...(traceId === undefined || traceparent === undefined ? {} : { traceparent }),
    };
    response.locals.correlation = correlation;
    response.setHeader('X-Request-Id', requestId);
  };

export const correlationOf = (response: Response): Correlation =>
  (response.locals.correlation as Correlation | undefined) ?? { requestId: '', correlationId: '' };

export const requestIdOf = (response: Response): string => correlationOf(response).requestId;
