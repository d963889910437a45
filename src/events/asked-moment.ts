/** Moments as whoever asks names them: a position of the log, or a time with its zone. */
import { invalidInput } from '../errors.ts';
import type { Timestamp } from './envelope.ts';
import type { EventLog } from './log.ts';
import { momentOf } from './moment.ts';

const remedy = 'a time with its zone, such as "2026-03-03T10:00:00Z" (a + of a zone is written %2B)';

/** @throws QuarterdeckError invalid_input naming the parameter. */
export const timeOf = (path: string, text: string): Timestamp => {
  const at = momentOf(text);
  if (at === undefined) throw invalidInput(path, `must be ${remedy}`);
  return at;
};

/** @throws QuarterdeckError invalid_input also where it is later than `now`. */
export const pastTimeOf = (path: string, text: string, now: Timestamp): Timestamp => {
  const at = timeOf(path, text);
  if (at > now) throw invalidInput(path, 'must not lie in the future');
  return at;
};

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'positionAt'>;
  readonly clock: () => Timestamp;
}

/** @throws QuarterdeckError invalid_input where it is neither, or is still to come. */
export const positionOf = async (path: string, text: string, { log, clock }: Deps): Promise<number> => {
  const head = await log.head();
  if (/^\d{1,15}$/.test(text)) {
    if (Number(text) <= head.position) return Number(text);
    throw invalidInput(path, `is beyond the head of the log, which is at ${head.position}`);
  }
  const at = momentOf(text);
  if (at === undefined) throw invalidInput(path, `must be a position or ${remedy}`);
  if (at > clock() && at > (head.recordedAt ?? '')) throw invalidInput(path, 'must not lie in the future');
  return log.positionAt(at);
};
