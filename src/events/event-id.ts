/**
 * Ids of events: UUID v7. Randomness is drawn from the system for many ids at once, because drawing it
 * for each was a tenth of what an append costs this process.
 */
import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

const randomBytesPerId = 16;
const pool = new Uint8Array(randomBytesPerId * 256);
let used = pool.length;

export const newEventId = (): string => {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.subarray(used, used + randomBytesPerId);
  used += randomBytesPerId;
  return v7({ random });
};
