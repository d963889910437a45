/**
 * Which position a moment stands for: a position as it is, a time as the last position recorded at or
 * before it. What lies ahead cannot be answered.
 */
import { invalidInput } from '../errors.ts';
import type { Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';
import { momentOf } from '../events/moment.ts';

interface Deps {
  readonly log: Pick<EventLog, 'head' | 'positionAt'>;
  readonly clock: () => Timestamp;
}

const ofPosition = (text: string, head: number): number => {
  const position = Number(text);
  if (position > head)
    throw invalidInput('asOf', `${text} is beyond the head of the log, which is at ${head}.`);
  return position;
};

/** @throws QuarterdeckError invalid_input. */
export const asOfPosition = async ({ log, clock }: Deps, asOf: string): Promise<number> => {
  const head = await log.head();
  if (/^\d{1,15}$/.test(asOf)) return ofPosition(asOf, head.position);
  const moment = momentOf(asOf);
  if (moment === undefined) {
    throw invalidInput(
      'asOf',
      'Give a log position or a time with its zone, like 2026-03-31T12:00:00Z (a + of a zone is written %2B).',
    );
  }
  if (moment > clock() && moment > (head.recordedAt ?? '')) {
    throw invalidInput('asOf', 'This time is still to come; give one that is past.');
  }
  return log.positionAt(moment);
};
