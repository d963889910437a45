/** Why the writing of an export stops before its end, and whether another attempt may do better. */
import { isQuarterdeckError, type QuarterdeckError } from '../../errors.ts';

/** Somebody else has it, it was cancelled, or this process ends: nothing is wrong with it. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}

/** It cannot come to a good end, however often it is tried; code and message are told to its owner. */
export class Hopeless extends Error {
  override readonly name = 'Hopeless';
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Codes that another attempt would meet again. */
const lasting = new Set(['not_permitted', 'invalid_input', 'not_found', 'too_large']);
/** Codes that only mean to ask again. */
const passing = new Set(['snapshot_building', 'unavailable', 'projection_behind']);

export const isPassing = (error: unknown): boolean => isQuarterdeckError(error) && passing.has(error.code);

const codeOf = ({ code }: QuarterdeckError): string =>
  code === 'not_permitted' ? 'requester_not_permitted' : code;

const toldOf = ({ message, errors }: QuarterdeckError): string =>
  [message, ...(errors ?? []).map(({ path, message: why }) => `${path}: ${why}`)].join(' ');

/** undefined: it is worth another attempt. */
export const hopelessOf = (error: unknown, attemptsLeft: number): Hopeless | undefined => {
  if (error instanceof Hopeless) return error;
  if (isQuarterdeckError(error) && lasting.has(error.code)) return new Hopeless(codeOf(error), toldOf(error));
  if (attemptsLeft > 0) return undefined;
  return new Hopeless('internal', 'It was tried several times; the log of the process says why it fails.');
};
