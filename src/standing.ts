/** How an engine stands, as health checks, metrics and the live topic `system` tell it. */
import { systemPrincipal } from './access/principal.ts';
import { pendingMigrations } from './db/migrate.ts';
import type { Db } from './db/pool.ts';
import type { Engine } from './engine.ts';
import type { Environment } from './environment.ts';
import type { HealthCheck } from './http/health.ts';
import type { BulkHealth } from './workers/index.ts';

/** A sentence for an operator of a restored copy; undefined where the database is this environment's own. */
export const foreignEnvironment = async (environment: Environment): Promise<string | undefined> => {
  if (await environment.isOurs()) return undefined;
  const kept = await environment.kept();
  return `This database belongs to the environment ${kept}, and QUARTERDECK_ENVIRONMENT says ${environment.name}: reactors, webhooks, effects and schedules stay off until "quarterdeck adopt-environment".`;
};

export const systemState = async ({ readSide, bulk, environment, transparency }: Engine) => {
  const [{ head, projections }, { sealed }] = await Promise.all([readSide.health(), transparency.health()]);
  const projected = Math.min(head, ...projections.map((p) => p.position));
  const running = await bulk.jobs.list({ principal: systemPrincipal, states: ['running'], limit: 200 });
  return {
    head,
    projected,
    lag: head - projected,
    /** Events that the newest signed checkpoint covers. */
    sealed,
    jobsRunning: running.data.length,
    environment: environment.name ?? null,
    /** Whether reactors, webhooks, effects and schedules are on. */
    reachesOutside: await environment.isOurs(),
  };
};

/** Positions by which each projection, and the audit index, is behind the head. */
export const lagOf = async ({ readSide, auditIndex }: Engine): Promise<Record<string, number>> => ({
  ...Object.fromEntries((await readSide.health()).projections.map((p) => [p.name, p.lag])),
  'audit-index': (await auditIndex.standing()).lag,
});

/** Longer than any pause that a worker makes on purpose. */
const stalledMsMax = 30_000;
/** One that meets a poison item or a lost connection goes on; one that fails every time does not. */
const failedInRowMax = 10;

/** A worker that stopped finishing items is ill, however well it is connected. */
export const notFinishing = ({
  stalledMs,
  failedInRow,
}: Pick<BulkHealth, 'stalledMs' | 'failedInRow'>): string | undefined => {
  if (stalledMs > stalledMsMax) {
    return `Bulk work is in hand and nothing was decided for ${Math.round(stalledMs / 1_000)} s.`;
  }
  return failedInRow < failedInRowMax
    ? undefined
    : `The last ${failedInRow} chunks of bulk work ended in faults; see the log of the process.`;
};
/** Identity providers that nobody can sign in by now. */
interface Missing {
  missing(): readonly { readonly id: string }[];
}

/** A provider that nobody can sign in by keeps the people of the others from nothing. */
export const providersCheck = ({ missing }: Missing): HealthCheck => ({
  name: 'identity providers',
  warns: true,
  missing: async () => {
    const ids = missing().map(({ id }) => id);
    return ids.length === 0
      ? undefined
      : `Nobody can sign in by ${ids.join(', ')}: no metadata could be read. It is asked for again and again; the log of the process says what is wrong.`;
  },
});
/** What each reactor has outstanding, by state. */
export const reactorsOf = async ({ reactors }: Engine): Promise<Record<string, Record<string, number>>> => {
  const { data } = await reactors.desk.list({ principal: systemPrincipal });
  return Object.fromEntries(
    data.map(({ name, pending, held, dead, lag }) => [name, { pending, held, dead, lag }]),
  );
};

/** Longer than a sealer takes to be replaced after its process died. */
const unsealedMsMax = 60_000;

/** A log that cannot be proven is told at once; no other process could do better. */
const logCheck = ({ transparency }: Engine): HealthCheck => ({
  name: 'log',
  warns: true,
  missing: async () => {
    const { head, sealed, signedAt, fault, mirrorFault } = await transparency.health();
    if (fault !== undefined) return `${fault} Nothing more is sealed until it is looked into.`;
    const behindMs = signedAt === undefined ? 0 : Date.now() - Date.parse(signedAt);
    if (head > sealed && behindMs > unsealedMsMax)
      return `Sealing is ${head - sealed} events behind, and nothing was signed for ${Math.round(behindMs / 1_000)} s.`;
    return mirrorFault;
  },
});

export const healthChecks = (engine: Engine, pool: Db): readonly HealthCheck[] => [
  {
    name: 'database',
    missing: async () => {
      const pending = await pendingMigrations(pool);
      return pending.length === 0 ? undefined : `Migrations are missing: ${pending.join(', ')}.`;
    },
  },
  {
    // Under load the listener may be cut off for a moment; whoever listens also looks by itself.
    name: 'notifications',
    passes: true,
    missing: async () =>
      engine.listener.connected ? undefined : 'Notifications of the database are not heard.',
  },
  {
    name: 'queue',
    passes: true,
    missing: async () =>
      engine.bulk.health().queueReachable &&
      engine.exports.standing().queueReachable &&
      engine.reactors.health().queueReachable
        ? undefined
        : 'The queue does not answer.',
  },
  {
    name: 'workers',
    missing: async () => notFinishing(engine.bulk.health()),
  },
  {
    name: 'environment',
    warns: true,
    missing: () => foreignEnvironment(engine.environment),
  },
  logCheck(engine),
  {
    // Whoever answers can answer all else without it.
    name: 'audit index',
    warns: true,
    missing: async () => {
      const { lag, progressing, error } = await engine.auditIndex.standing();
      if (progressing && error === undefined) return undefined;
      return `It is ${lag} positions behind and not progressing; see the log of the process that projects.`;
    },
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
