/**
 * The closed union of error codes. Every fault or refusal that may reach a caller is a
 * `QuarterdeckError` with one of these codes; which HTTP status a code has is decided in `http/`
 * alone. Codes are stable: clients branch on them. `message` may be shown to the caller, so it never
 * holds SQL, stack or secrets; `cause` stays in the process's own log.
 */

/** `path` is a JSON Pointer without its leading slash turned to dots (`items.0.name`), `''` for the whole. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export const errorCodes = [
  'malformed_request',
  'not_authenticated',
  'reauthentication_required',
  'not_permitted',
  'network_refused',
  'customer_credential_refused',
  'not_found',
  'rejected',
  'idempotency_in_flight',
  'results_expired',
  'export_expired',
  'version_conflict',
  'too_large',
  'range_not_satisfiable',
  'unsupported_media_type',
  'invalid_input',
  'idempotency_key_reused',
  'reason_required',
  'too_many_requests',
  'unavailable',
  'snapshot_building',
  'projection_behind',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export interface ErrorDetails {
  /** Field errors of `invalid_input` and, for uploads, of `malformed_request`. */
  readonly errors?: readonly FieldError[];
  /** The rule's own code, with `rejected`. */
  readonly rejection?: string;
  /** Seconds after which a retry makes sense. */
  readonly retryAfterSeconds?: number;
  /** Further members of the problem document, for instance the permission that is missing. */
  readonly extra?: Readonly<Record<string, unknown>>;
  /** This refusal is the stored answer to an earlier request with the same idempotency key. */
  readonly replayed?: boolean;
  readonly cause?: unknown;
}

export class QuarterdeckError extends Error {
  override readonly name = 'QuarterdeckError';
  readonly code: ErrorCode;
  readonly errors: readonly FieldError[] | undefined;
  readonly rejection: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly extra: Readonly<Record<string, unknown>> | undefined;
  readonly replayed: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.errors = details.errors;
    this.rejection = details.rejection;
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.extra = details.extra;
    this.replayed = details.replayed ?? false;
  }
}

/** More than anybody mends at a time; without a bound an answer may be ten times as large as its request. */
export const fieldErrorsMax = 100;

/** As many as anybody mends at a time, and how many there are beside. */
export const boundedErrors = (errors: readonly FieldError[]): readonly FieldError[] => {
  const more = errors.length - fieldErrorsMax;
  if (more <= 0) return errors;
  return [...errors.slice(0, fieldErrorsMax), { path: '', message: `And ${more} more; mend these first.` }];
};

export const isQuarterdeckError = (error: unknown): error is QuarterdeckError =>
  error instanceof QuarterdeckError;

/** `invalid_input` for one field: what is wrong and what to do instead. */
export const invalidInput = (path: string, message: string): QuarterdeckError =>
  new QuarterdeckError('invalid_input', 'The input is not valid.', { errors: [{ path, message }] });

export const notPermitted = (permission: string): QuarterdeckError =>
  new QuarterdeckError('not_permitted', `This needs the permission ${permission}.`, {
    extra: { permission },
  });

/** Letters to change, add or leave out (Levenshtein). */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};

/** What somebody who wrote `given` most likely meant; `''` where nothing is known. */
export const nearestTo = (given: string, known: readonly string[]): string =>
  known
    .map((one) => ({ one, far: distance(given, one) }))
    .reduce((best, next) => (next.far < best.far ? next : best), { one: '', far: Infinity }).one;
