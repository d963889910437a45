/**
 * What a command is refused with: the errors of the pipeline, and what each tells the caller to do.
 */
import type { Principal } from '../access/principal.ts';
import { type FieldError, QuarterdeckError } from '../errors.ts';
import type { Timestamp } from '../events/envelope.ts';
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

/** What the caller gave with a command, or with the job that runs it. */
export interface Given {
  readonly reason?: string | undefined;
  readonly reference?: string | undefined;
  readonly principal: Principal;
  readonly now: Timestamp;
}

/**
 * A person who last proved who they are too long ago, or somebody who cannot: a service has no sign-in.
 * The system itself acts for nobody.
 */
export const staleSignIn = (
  { needs: { freshSignInMinutes: minutes } }: CommandDefinition,
  { principal, now }: Pick<Given, 'principal' | 'now'>,
): QuarterdeckError | undefined => {
  if (minutes === undefined || principal.kind === 'system') return undefined;
  const { authenticatedAt = 0 } = principal;
  if (Date.parse(now) - authenticatedAt <= minutes * 60_000) return undefined;
  const wanted = `This needs a sign-in not older than ${minutes} minute${minutes === 1 ? '' : 's'}`;
  return new QuarterdeckError(
    'reauthentication_required',
    principal.kind === 'service'
      ? `${wanted}, and a service has none: it is for a person to do.`
      : `${wanted}: sign in once more, then send it again.`,
    { extra: { maxAgeSeconds: minutes * 60 } },
  );
};

export const missingNeed = (command: CommandDefinition, given: Given): QuarterdeckError | undefined => {
  const { needs } = command;
  const { reason, reference } = given;
  const stale = staleSignIn(command, given);
  if (stale !== undefined) return stale;
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
