/** Both queues that a suite of bulk work is run on; one that needs a missing program is left out by name. */
import { type Need, redisServer } from '../setup/needs.ts';

interface Backend {
  readonly name: string;
  readonly need: Need;
  readonly redis: boolean;
}

export const backends: readonly Backend[] = [
  { name: 'on PostgreSQL', need: { missing: undefined, installable: true }, redis: false },
  { name: 'on Redis', need: redisServer, redis: true },
];
