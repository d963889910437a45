/** Moments as an auditor names them: a position of the log, or a time with its zone. */
import { z } from 'zod';
import { invalidInput } from '../errors.ts';
import type { Timestamp } from '../events/envelope.ts';
import type { EventLog } from '../events/log.ts';

const time = z.iso.datetime({ offset: true });
const remedy = 'must be a time with its zone, such as "2026-03-03T10:00:00Z"';

/** @throws QuarterdeckError invalid_input naming the parameter. */
export const timeOf = (path: string, text: string): Timestamp => {
  if (!time.safeParse(text).success) throw invalidInput(path, remedy);
  return text;
};

/** @throws QuarterdeckError invalid_input where it is neither, or lies beyond the head. */
export const positionOf = async (
  path: string,
  text: string,
  log: Pick<EventLog, 'head' | 'positionAt'>,
): Promise<number> => {
  const { position: head } = await log.head();
  if (/^\d{1,15}$/.test(text)) {
    const position = Number(text);
    if (position > head)
      throw invalidInput(path, `The log has ${head} events; there is no position ${position} yet.`);
    return position;
  }
  if (!time.safeParse(text).success)
    throw invalidInput(path, `must be a position, or ${remedy.slice('must be '.length)}`);
  if (Date.parse(text) > Date.now()) throw invalidInput(path, 'That time has not come yet.');
  return log.positionAt(text);
};
