/**
 * Random bytes drawn from the system for many uses at once: drawing a few for each event was a tenth of
 * what an append costs this process. No byte is handed out twice.
 */
import { randomFillSync } from 'node:crypto';

const pool = Buffer.alloc(8 * 1024);
let used = pool.length;

/** A copy: the pool is written over. */
export const randomOf = (bytes: number): Buffer => {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return Buffer.from(pool.subarray(used - bytes, used));
};
