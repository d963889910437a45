/**
 * Keeps a job at its `maxRate`, over all processes: before a round a worker takes the job's next turn from
 * PostgreSQL, whose row and clock are the only ones that count. A turn is worth about a second, and never
 * more than a round; whoever is told to wait long gives the chunk back, so that slow jobs hold no worker.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Db } from '../db/pool.ts';
import type { JobRecord } from './job-record.ts';
import type { StoredOutcome } from './outcomes.ts';
import { takeTurn, untilTurn } from './sql/conduct.ts';
import type { Group } from './work.ts';

/** Groups of one round at most, where nobody gives commands meanwhile (docs/decisions/0034). */
export const groupsMax = 250;
const waitedForMsMax = 100;

/** Not before the job's next turn: the chunk is given back until then. */
export class Later extends Error {
  readonly ms: number;

  constructor(ms: number) {
    super(`not before ${ms} ms`);
    this.ms = ms;
  }
}

/** What is decided together, and what of the chunk is left then. */
export interface Portion {
  readonly groups: readonly Group[];
  readonly settled: readonly StoredOutcome[];
  readonly items: number;
}

/** Items of one turn; whatever fits a round where there is no rate. */
const itemsOf = ({ maxRate }: JobRecord): number =>
  maxRate === null ? Number.POSITIVE_INFINITY : Math.max(1, Math.min(groupsMax, Math.floor(maxRate)));

/**
 * In input order, so that what is known to be wrong does not come to count before what stands beside it.
 * Items of one target are decided together, however many they are.
 */
export const portionOf = (
  job: JobRecord,
  queue: readonly Group[],
  settled: readonly StoredOutcome[],
  groupsAtMost: number = groupsMax,
): Portion => {
  const most = itemsOf(job);
  const groups: Group[] = [];
  let items = 0;
  let known = 0;
  const takeKnownBefore = (index: number): void => {
    for (; items < most && (settled[known]?.x ?? index) < index; known++) items++;
  };
  for (const group of queue.slice(0, groupsAtMost)) {
    takeKnownBefore(group.items[0]?.index ?? 0);
    if (items > 0 && items + group.items.length > most) break;
    groups.push(group);
    items += group.items.length;
  }
  if (groups.length === queue.length) takeKnownBefore(Number.POSITIVE_INFINITY);
  return { groups, settled: settled.slice(0, known), items };
};

/** Resolves when so many items may be decided. @throws Later. */
export const awaitTurn = async (pool: Db, job: JobRecord, items: number): Promise<void> => {
  if (job.maxRate === null || items === 0) return;
  for (;;) {
    const taken = await pool.query({ ...takeTurn, values: [job.id, items] });
    if (taken.rowCount === 1) return;
    const { rows } = await pool.query<{ ms: number }>({ ...untilTurn, values: [job.id] });
    const ms = rows[0]?.ms ?? 0;
    if (ms > waitedForMsMax) throw new Later(ms);
    await sleep(ms + 1);
  }
};
