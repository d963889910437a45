/** What a process needs in order to be ready: its database, the schema, projections and the queue. */
import { pendingMigrations } from '../db/migrate.ts';
import type { Queryable } from '../db/pool.ts';
import type { ProjectionHealth, ProjectionStanding } from '../queries/request.ts';
import type { BulkHealth } from '../workers/request.ts';
import type { HealthCheck } from './health.ts';

export const databaseReachable = (db: Queryable): HealthCheck => ({
  name: 'database',
  missing: async () => {
    const reached = await db.query('SELECT 1').then(
      () => true,
      () => false,
    );
    return reached ? undefined : 'the database does not answer';
  },
});

export const schemaMigrated = (db: Queryable): HealthCheck => ({
  name: 'migrations',
  missing: async () => {
    const pending = await pendingMigrations(db);
    return pending.length === 0
      ? undefined
      : `to be applied with \`quarterdeck migrate\`: ${pending.join(', ')}`;
  },
});

/** Behind but going forward is healthy: a restart would only throw a rebuild back. */
export const projectionsProgress = (health: () => Promise<ProjectionHealth>): HealthCheck => ({
  name: 'projections',
  missing: async () => {
    const { healthy, projections } = await health();
    if (healthy) return undefined;
    const stuck = projections
      .filter(({ state, progressing }) => state === 'missing' || !progressing)
      .map(words);
    return stuck.length === 0 ? 'projections do not go forward' : stuck.join('; ');
  },
});

const words = ({ name, state, position, lag }: ProjectionStanding): string =>
  state === 'missing'
    ? `${name} is not built yet`
    : `${name} stands at ${position}, ${lag} behind, and does not go forward`;

export const queueReachable = (health: () => BulkHealth): HealthCheck => ({
  name: 'queue',
  missing: async () => (health().queueReachable ? undefined : 'the queue of bulk work does not answer'),
});
