/** How the audit index stands, against the true head of the log. Behind but progressing is healthy. */
import type { Db } from '../../db/pool.ts';
import type { EventLog } from '../../events/log.ts';
import { attributesVersion } from './attributes.ts';
import { type IndexRow, readIndex, waitingSeconds } from './sql/audit-index.ts';

export interface IndexStanding {
  readonly position: number;
  /** Positions by which it is behind the head. */
  readonly lag: number;
  /** It moved lately, or what it has not taken in is young. */
  readonly progressing: boolean;
  /** Why it stopped; undefined while it runs. */
  readonly error: string | undefined;
}

const stalledSeconds = 30;

export const createStanding = (pool: Db, log: Pick<EventLog, 'head'>) => async (): Promise<IndexStanding> => {
  const { rows } = await pool.query<IndexRow>(readIndex);
  const head = (await log.head()).position;
  const [row] = rows;
  const position = row?.version === attributesVersion ? row.position : 0;
  const waits = async (): Promise<number> =>
    (await pool.query<{ seconds: number }>({ ...waitingSeconds, values: [position] })).rows[0]?.seconds ?? 0;
  const moving = position === head || (row !== undefined && row.idleSeconds < stalledSeconds);
  return {
    position,
    lag: Math.max(0, head - position),
    progressing: position <= head && (moving || (await waits()) < stalledSeconds),
    error: row?.error ?? undefined,
  };
};
