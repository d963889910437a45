/** The most that a tool may ask in a minute, as the policy says it; without an entry there is no limit. */
import { z } from 'zod';

const rate = z.number('give a whole number of requests, 1 to 1,000,000').int().min(1).max(1_000_000);

export const ceiling = z.strictObject({
  /** Of all who use the tool together. */
  requestsPerMinute: rate,
  /** How many of them may come at once after a pause; a minute's worth by default. */
  burst: rate.optional(),
});

export type Ceiling = z.output<typeof ceiling>;
