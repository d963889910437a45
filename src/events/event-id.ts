/** Ids: UUID v7, unique, and sorted by the time at which this process made them. */
import { v7 } from 'uuid';
import { randomOf } from './randomness.ts';

let lastMs = 0;
let sequence = 0;

export const newEventId = (): string => {
  const nowMs = Date.now();
  if (nowMs > lastMs) {
    lastMs = nowMs;
    // Half of its room, so that it can be counted up within the millisecond.
    sequence = randomOf(4).readUInt32BE() >>> 1;
  } else sequence++;
  return v7({ random: randomOf(16), msecs: lastMs, seq: sequence });
};
