/**
 * What a command is refused with: the errors of the pipeline, and what each tells the caller to do.
 */
import { type FieldError, QuarterdeckError } from '../errors.ts';
import type { CommandDefinition } from './definition.ts';
import { codeOfRejection } from './recording.ts';

export const isGiven = (reason: unknown): reason is string =>
  typeof reason === 'string' && reason.trim() !== '';

export const taken = (rejection: string) => ({
  rejection,
  message: 'Something that only one may hold is taken.',
});

/** The key was there a moment ago and is forgotten by now. */
export const tryAgain = (): never => {
  throw new QuarterdeckError('unavailable', 'Try again.', { retryAfterSeconds: 1 });
};

export const inputProblem = (errors: readonly FieldError[]): QuarterdeckError =>
  new QuarterdeckError('invalid_input', 'The input is not valid.', { errors });

export const missingNeed = (
  { needs }: CommandDefinition,
  reason?: string,
  reference?: string,
): QuarterdeckError | undefined => {
  if (needs.reason === true && reason === undefined) {
    return new QuarterdeckError(
      'reason_required',
      'This command needs a reason: send the header Quarterdeck-Reason.',
    );
  }
  if (needs.reference === true && reference === undefined) {
    return new QuarterdeckError(
      'reason_required',
      'This command needs a ticket: send the header Quarterdeck-Reference.',
    );
  }
  return undefined;
};

export const rejected = (
  { rejection, message }: { rejection: string; message: string },
  replayed = false,
): QuarterdeckError => {
  const code = codeOfRejection(rejection);
  return new QuarterdeckError(code, message, {
    ...(code === 'rejected' ? { rejection } : {}),
    ...(replayed ? { replayed: true } : {}),
  });
};
