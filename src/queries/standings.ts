/**
 * How projections stand, measured against the true head of the log and not against what was notified, so
 * that a projector whose notifications died cannot look healthy. Behind but progressing is healthy: a
 * projector in the middle of a rebuild must not be restarted for its lag.
 */
import type { Db } from '../db/pool.ts';
import type { EventLog } from '../events/log.ts';
import type { Catalogue } from './catalogue.ts';
import type { ProjectionHealth, ProjectionStanding } from './request.ts';
import { oldestAge, readLag, readStandings, type StandingRow } from './sql/projections.ts';

interface Deps {
  readonly pool: Db;
  readonly log: Pick<EventLog, 'head'>;
  readonly catalogue: Catalogue;
  /** A checkpoint that has not moved for so long although there was something to do has stalled. */
  readonly stalledSeconds?: number;
}

export const createStandings = ({ pool, log, catalogue, stalledSeconds = 30 }: Deps) => {
  /** Nothing to do, moved lately, or the oldest event not yet taken in is young. */
  const isProgressing = async (row: StandingRow, head: number): Promise<boolean> => {
    if (row.position === head || row.idleSeconds < stalledSeconds) return row.position <= head;
    const { rows } = await pool.query<{ seconds: number }>({ ...oldestAge, values: [row.position] });
    return row.position < head && (rows[0]?.seconds ?? 0) < stalledSeconds;
  };

  const standing = async (
    name: string,
    rows: readonly StandingRow[],
    head: number,
  ): Promise<ProjectionStanding> => {
    const own = rows.filter((row) => row.name === name);
    const live = own.find(({ state }) => state === 'live');
    const row = live ?? own[0];
    const progressing = await Promise.all(own.map((one) => isProgressing(one, head)));
    return {
      name,
      version: row?.version ?? 0,
      state: live !== undefined ? 'live' : row !== undefined ? 'building' : 'missing',
      position: row?.position ?? 0,
      lag: Math.max(0, head - (row?.position ?? 0)),
      progressing: progressing.includes(true),
      error: own.find(({ error }) => error !== null)?.error ?? undefined,
    };
  };

  return async (): Promise<ProjectionHealth> => {
    // The checkpoints first: what is appended in between makes a lag, never a checkpoint beyond the head.
    const { rows } = await pool.query<StandingRow>(readStandings);
    const head = (await log.head()).position;
    const projections = await Promise.all(
      catalogue.all.map(({ definition }) => standing(definition.name, rows, head)),
    );
    const healthy = projections.every((p) => p.state === 'live' && p.progressing && p.error === undefined);
    return { healthy, head, projections };
  };
};

/** How far the last of the read models is behind, in milliseconds; those that are being built do not count. */
export const createLag =
  ({ pool, catalogue }: Pick<Deps, 'pool' | 'catalogue'>) =>
  async (): Promise<number> => {
    const names = catalogue.all.map(({ definition }) => definition.name);
    const { rows } = await pool.query<{ ms: number }>({ ...readLag, values: [names] });
    return rows[0]?.ms ?? 0;
  };
