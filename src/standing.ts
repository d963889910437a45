/** How an engine stands, as health checks, metrics and the live topic `system` tell it. */
import { systemPrincipal } from './access/principal.ts';
import { pendingMigrations } from './db/migrate.ts';
import type { Db } from './db/pool.ts';
import type { Engine } from './engine.ts';
import type { Environment } from './environment.ts';
import type { HealthCheck } from './http/health.ts';

/** A sentence for an operator of a restored copy; undefined where the database is this environment's own. */
export const foreignEnvironment = async (environment: Environment): Promise<string | undefined> => {
  if (await environment.isOurs()) return undefined;
  const kept = await environment.kept();
  return `This database belongs to the environment ${kept}, and QUARTERDECK_ENVIRONMENT says ${environment.name}: reactors, webhooks, effects and schedules stay off until "quarterdeck adopt-environment".`;
};

export const systemState = async ({ readSide, bulk, environment }: Engine) => {
  const { head, projections } = await readSide.health();
  const projected = Math.min(head, ...projections.map((p) => p.position));
  const running = await bulk.jobs.list({ principal: systemPrincipal, states: ['running'], limit: 200 });
  return {
    head,
    projected,
    lag: head - projected,
    jobsRunning: running.data.length,
    environment: environment.name ?? null,
    /** Whether reactors, webhooks, effects and schedules are on. */
    reachesOutside: await environment.isOurs(),
  };
};

/** Positions by which each projection is behind the head. */
export const lagOf = async ({ readSide }: Engine): Promise<Record<string, number>> =>
  Object.fromEntries((await readSide.health()).projections.map((p) => [p.name, p.lag]));

/** What each reactor has outstanding, by state. */
export const reactorsOf = async ({ reactors }: Engine): Promise<Record<string, Record<string, number>>> => {
  const { data } = await reactors.desk.list({ principal: systemPrincipal });
  return Object.fromEntries(
    data.map(({ name, pending, held, dead, lag }) => [name, { pending, held, dead, lag }]),
  );
};

/** What an operator must know although everything works. */
export const healthNotes = ({ environment }: Engine): readonly HealthCheck[] => [
  { name: 'environment', missing: () => foreignEnvironment(environment) },
];

export const healthChecks = (engine: Engine, pool: Db): readonly HealthCheck[] => [
  {
    name: 'database',
    missing: async () => {
      const pending = await pendingMigrations(pool);
      return pending.length === 0 ? undefined : `Migrations are missing: ${pending.join(', ')}.`;
    },
  },
  {
    name: 'notifications',
    missing: async () =>
      engine.listener.connected ? undefined : 'Notifications of the database are not heard.',
  },
  {
    name: 'queue',
    missing: async () =>
      engine.bulk.health().queueReachable && engine.reactors.health().queueReachable
        ? undefined
        : 'The queue does not answer.',
  },
  {
    name: 'projections',
    missing: async () => {
      const { healthy, projections } = await engine.readSide.health();
      if (healthy) return undefined;
      const ill = projections.filter((p) => p.error !== undefined || p.state === 'missing' || !p.progressing);
      return `Not up to date and not progressing: ${ill.map((p) => p.name).join(', ')}.`;
    },
  },
];
