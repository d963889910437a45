/**
 * Errors on the wire: `application/problem+json` (RFC 9457). This is the only file that knows which
 * status a code has. A fault that is no `QuarterdeckError` becomes 500 `internal` and tells the caller
 * nothing but the request's id; the fault itself, with its stack, goes to the process's own log.
 */
import type { ErrorRequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { Principal } from '../access/principal.ts';
import { outcomeUnknown, provesRollback } from '../db/sqlstate.ts';
import {
  boundedErrors,
  type ErrorCode,
  type FieldError,
  isQuarterdeckError,
  QuarterdeckError,
} from '../errors.ts';
import { requestIdOf } from './correlation.ts';

interface Kind {
  readonly status: number;
  readonly title: string;
}

export const problemKinds: Readonly<Record<ErrorCode, Kind>> = {
  malformed_request: { status: 400, title: 'The request cannot be read' },
  not_authenticated: { status: 401, title: 'Sign in first' },
  reauthentication_required: { status: 401, title: 'Sign in again' },
  not_permitted: { status: 403, title: 'Not permitted' },
  network_refused: { status: 403, title: 'Not from this network' },
  customer_credential_refused: { status: 403, title: 'Customer credentials have no place here' },
  not_found: { status: 404, title: 'Not found' },
  rejected: { status: 409, title: 'A rule said no' },
  idempotency_in_flight: { status: 409, title: 'The same request is still being worked on' },
  results_expired: { status: 410, title: 'Results are kept no longer' },
  export_expired: { status: 410, title: 'The file of the export is gone' },
  version_conflict: { status: 412, title: 'Changed in the meantime' },
  too_large: { status: 413, title: 'Too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  range_not_satisfiable: { status: 416, title: 'No such part of the file' },
  invalid_input: { status: 422, title: 'The input is not valid' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used for something else' },
  reason_required: { status: 428, title: 'A reason is required' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  internal: { status: 500, title: 'Something went wrong here' },
  unavailable: { status: 503, title: 'Not available now' },
  snapshot_building: { status: 503, title: 'The snapshot is still being built' },
  projection_behind: { status: 504, title: 'The projection is behind' },
};

/** Where the meaning of a code stands, for everybody; resolves against the request's own address. */
export const problemType = (code: ErrorCode): string => `/problems#problem-${code}`;

const pathCharsMax = 200;

const bounded = (errors: readonly FieldError[]): readonly FieldError[] =>
  boundedErrors(errors).map((one) =>
    one.path.length > pathCharsMax ? { ...one, path: `${one.path.slice(0, pathCharsMax)}…` } : one,
  );

/** The problem document of an error, without what only the log may hold. */
export const problemOf = (
  error: QuarterdeckError,
  requestId: string,
  principal?: Principal,
): Record<string, unknown> => ({
  // First, so that none of them replaces a member that clients rely on.
  ...error.extra,
  ...(error.code === 'reauthentication_required' ? whereToSignIn(error, principal) : {}),
  type: problemType(error.code),
  title: problemKinds[error.code].title,
  status: problemKinds[error.code].status,
  detail: error.message,
  code: error.code,
  requestId,
  ...(error.errors === undefined ? {} : { errors: bounded(error.errors) }),
  ...(error.rejection === undefined ? {} : { rejection: error.rejection }),
});

/**
 * A browser goes to `signIn`. A tool begins its own sign-in anew with these parameters added, and the token that it
 * gets counts as fresh; one that it has already never will. A service can do nothing about it.
 */
const whereToSignIn = ({ extra }: QuarterdeckError, principal: Principal | undefined): object => {
  if (principal?.kind === 'service') return {};
  if (principal?.scope === undefined) return { signIn: '/auth/saml/login?force=true' };
  const { maxAgeSeconds } = extra ?? {};
  return {
    reauthorize: {
      authorizationEndpoint: '/auth/oidc/auth',
      deviceAuthorizationEndpoint: '/auth/oidc/device/auth',
      parameters:
        typeof maxAgeSeconds === 'number' ? { max_age: String(maxAgeSeconds) } : { prompt: 'login' },
    },
  };
};

/** Codes that always say when to come back. */
const comesBack: ReadonlySet<ErrorCode> = new Set(['unavailable', 'snapshot_building', 'too_many_requests']);

export const sendProblem = (response: Response, error: QuarterdeckError): void => {
  const retryAfterSeconds = error.retryAfterSeconds ?? (comesBack.has(error.code) ? 1 : undefined);
  if (retryAfterSeconds !== undefined) {
    response.setHeader('Retry-After', String(Math.max(1, Math.ceil(retryAfterSeconds))));
  }
  if (error.code === 'reauthentication_required') {
    response.setHeader('WWW-Authenticate', stepUpChallenge(error));
  }
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  response.locals.code = error.code;
  response.status(problemKinds[error.code].status);
  const principal = response.locals.principal as Principal | undefined;
  response.end(JSON.stringify(problemOf(error, requestIdOf(response), principal)));
};

/** For tools with tokens, by RFC 9470; a browser is told where to go in the problem itself. */
const stepUpChallenge = ({ extra }: QuarterdeckError): string => {
  const age = extra?.maxAgeSeconds;
  return `Bearer error="insufficient_user_authentication"${typeof age === 'number' ? `, max_age="${age}"` : ''}`;
};

/** The last handler of the app: whatever was thrown becomes a problem. */
export const problemHandler =
  (log: Logger): ErrorRequestHandler =>
  (thrown, request, response, _next) => {
    const error = asQuarterdeckError(thrown);
    if (error.code === 'unavailable') {
      log.warn({ err: error.cause ?? error, requestId: requestIdOf(response) }, 'not available');
    }
    if (error.code === 'internal') {
      log.error({ err: thrown, requestId: requestIdOf(response), method: request.method }, 'request failed');
    }
    if (response.headersSent) {
      // A body that has begun cannot become a problem; cutting the connection tells the reader it is not whole.
      response.destroy();
      return;
    }
    for (const name of ['ETag', 'Content-Disposition', 'Location']) response.removeHeader(name);
    sendProblem(response, error);
  };

/** Faults of express and node that are the caller's doing get the code they mean. */
const asQuarterdeckError = (thrown: unknown): QuarterdeckError => {
  if (isQuarterdeckError(thrown)) return thrown;
  if (thrown instanceof URIError) return malformed('The address holds a broken percent-encoding.');
  // Whoever sent half a body and left is no fault of ours; nobody is there to read the answer.
  if (isAbort(thrown)) return malformed('The body ended before it was whole.');
  if (provesRollback(thrown) || outcomeUnknown(thrown)) return databaseAway(thrown);
  return faultOfForm(thrown) ?? fault(thrown);
};

/** Nothing is wrong with the request; a use case that must know the outcome has looked for it before. */
const databaseAway = (cause: unknown): QuarterdeckError =>
  new QuarterdeckError('unavailable', 'The database does not answer just now; try again.', { cause });

const fault = (cause: unknown): QuarterdeckError =>
  new QuarterdeckError('internal', 'Something went wrong. The request id leads to the fault in the log.', {
    cause,
  });

/** What node says when a connection is lost before the request's body has ended. */
const isAbort = (thrown: unknown): boolean => {
  const { code, message } = (thrown ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  return (code === 'ECONNRESET' && message === 'aborted') || code === 'ERR_STREAM_PREMATURE_CLOSE';
};

/** What express's own parser of forms refuses carries a type and says that it may be told. */
const faultOfForm = (thrown: unknown): QuarterdeckError | undefined => {
  const { type, expose } = (thrown ?? {}) as { readonly type?: unknown; readonly expose?: unknown };
  switch (type) {
    case 'entity.too.large':
    case 'parameters.too.many':
      return new QuarterdeckError('too_large', 'The form is too large.');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new QuarterdeckError('unsupported_media_type', 'Send the form in UTF-8, not compressed.');
    default:
      return expose === true ? malformed('The request cannot be read.') : undefined;
  }
};

export const notFound = (detail: string): QuarterdeckError => new QuarterdeckError('not_found', detail);

export const malformed = (detail: string): QuarterdeckError =>
  new QuarterdeckError('malformed_request', detail);
