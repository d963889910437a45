/**
 * Prometheus metrics in a registry of the app's own: two apps in one process do not add up into each
 * other. Labels are bounded: routes by their pattern and commands by known name, never by raw path.
 */
import type { RequestHandler } from 'express';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { OnEnded } from './step.ts';

/** What is read at the moment of a scrape; undefined where it is not known just now. */
export interface Gauges {
  /** Positions by which each projection is behind the head. */
  readonly projectionLag: () => Promise<Readonly<Record<string, number>>>;
  /** Bulk work of this process: items decided since it started, and how it stands. */
  readonly bulk?: () => BulkGauges | undefined;
  /** Whether bulk work of this process yields, and for how long it has. */
  readonly headroom?: () => HeadroomGauge | undefined;
  /** Events that each reactor has outstanding: pending, held back, dead; and `lag`, positions it has not read. */
  readonly reactors?: () => Promise<Readonly<Record<string, Readonly<Record<string, number>>>>>;
  /** How far the log is sealed. */
  readonly sealing?: () => Promise<SealingGauge | undefined>;
}

export interface SealingGauge {
  readonly head: number;
  readonly sealed: number;
  /** What is wrong with the log. */
  readonly fault: string | undefined;
}

export interface BulkGauges {
  readonly itemsDecided: number;
  readonly chunksInHand: number;
  readonly stalledMs: number;
  readonly queueReachable: boolean;
}

export interface HeadroomGauge {
  readonly yielding: boolean;
  readonly commandP95Ms: number | undefined;
  readonly yieldedSeconds: number;
}

export interface Metrics {
  readonly registry: Registry;
  readonly http: OnEnded;
  readonly scrape: RequestHandler;
  /** How a command of a known name ended: its outcome, or the code of its refusal. */
  commandEnded(name: string, outcome: string): void;
  /** One group commit of the log. */
  batchAppended(units: number): void;
}

export const createMetrics = (gauges: Gauges): Metrics => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerLag(registry, gauges);
  registerBulk(registry, gauges);
  registerHeadroom(registry, gauges);
  registerReactors(registry, gauges);
  registerSealing(registry, gauges);
  const counters = countersOf(registry);
  return {
    registry,
    http: timed(registry),
    scrape: async (_request, response) => {
      response.setHeader('Content-Type', registry.contentType);
      response.end(await registry.metrics());
    },
    commandEnded: (command, outcome) => counters.commands.inc({ command, outcome }),
    batchAppended: (units) => counters.batches.observe(units),
  };
};

const countersOf = (registry: Registry) => ({
  commands: new Counter({
    name: 'quarterdeck_commands_total',
    help: 'Commands executed by this process, by name and outcome.',
    labelNames: ['command', 'outcome'],
    registers: [registry],
  }),
  batches: new Histogram({
    name: 'quarterdeck_append_batch_units',
    help: 'Units in one group commit of the log.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    registers: [registry],
  }),
});

const registerLag = (registry: Registry, gauges: Gauges): void => {
  new Gauge({
    name: 'quarterdeck_projection_lag_positions',
    help: 'Positions by which a projection is behind the head of the log.',
    labelNames: ['projection'],
    registers: [registry],
    async collect() {
      this.reset();
      // A database that is away must not take all the other metrics with it.
      const lags = await gauges.projectionLag().catch(() => ({}));
      for (const [projection, lag] of Object.entries(lags)) this.set({ projection }, lag);
    },
  });
};

const registerReactors = (registry: Registry, { reactors }: Gauges): void => {
  if (reactors === undefined) return;
  new Gauge({
    name: 'quarterdeck_reactor_events',
    help: 'Events that a reactor has outstanding by state (pending, held, dead), and positions not read yet (lag).',
    labelNames: ['reactor', 'state'],
    registers: [registry],
    async collect() {
      this.reset();
      const all = await reactors().catch(() => ({}));
      for (const [reactor, states] of Object.entries(all))
        for (const [state, count] of Object.entries(states)) this.set({ reactor, state }, count);
    },
  });
};

const registerBulk = (registry: Registry, { bulk }: Gauges): void => {
  if (bulk === undefined) return;
  new Counter({
    name: 'quarterdeck_bulk_items_total',
    help: 'Bulk items decided by this process.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(bulk()?.itemsDecided ?? 0);
    },
  });
  const gauge = (name: string, help: string, of: (standing: BulkGauges) => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const standing = bulk();
        if (standing !== undefined) this.set(of(standing));
      },
    });
  };
  gauge('quarterdeck_bulk_chunks_in_hand', 'Chunks that this process works on.', (b) => b.chunksInHand);
  gauge(
    'quarterdeck_bulk_stalled_seconds',
    'For how long chunks have been in hand here without a round being committed.',
    (b) => b.stalledMs / 1_000,
  );
  gauge('quarterdeck_bulk_queue_reachable', '1 where the queue answers, else 0.', (b) =>
    Number(b.queueReachable),
  );
};

const registerHeadroom = (registry: Registry, { headroom }: Gauges): void => {
  if (headroom === undefined) return;
  new Gauge({
    name: 'quarterdeck_bulk_yielding',
    help: '1 while bulk work of this process yields to interactive commands or read models.',
    registers: [registry],
    collect() {
      this.set(headroom()?.yielding === true ? 1 : 0);
    },
  });
  new Counter({
    name: 'quarterdeck_bulk_yielded_seconds_total',
    help: 'Seconds that rounds of bulk work have waited for others.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(headroom()?.yieldedSeconds ?? 0);
    },
  });
  new Gauge({
    name: 'quarterdeck_interactive_command_p95_seconds',
    help: '95 in 100 interactive commands of the last second took less; NaN where there were too few.',
    registers: [registry],
    collect() {
      this.set((headroom()?.commandP95Ms ?? Number.NaN) / 1_000);
    },
  });
};

const timed = (registry: Registry): OnEnded => {
  const durations = new Histogram({
    name: 'quarterdeck_http_request_duration_seconds',
    help: 'Time from the request’s head to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers: [registry],
  });
  // By method, route and status: finding them anew from three labels costs more than counting.
  const known = new Map<string, Histogram.Internal<'method' | 'route' | 'status'>>();
  const durationOf = (method: string, route: string, status: string) => {
    const key = `${method} ${status} ${route}`;
    const found = known.get(key) ?? durations.labels({ method, route, status });
    known.set(key, found);
    return found;
  };
  return (request, response, durationMs) => {
    const route = (response.locals.route as string | undefined) ?? 'none';
    durationOf(methodLabel(request.method), route, String(response.statusCode)).observe(durationMs / 1_000);
  };
};

const methodLabel = (method: string): string =>
  ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].includes(method) ? method : 'other';

const registerSealing = (registry: Registry, { sealing }: Gauges): void => {
  if (sealing === undefined) return;
  new Gauge({
    name: 'quarterdeck_log_unsealed_events',
    help: 'Events behind the newest signed checkpoint of the log.',
    registers: [registry],
    async collect() {
      const standing = await sealing();
      if (standing !== undefined) this.set(standing.head - standing.sealed);
    },
  });
  new Gauge({
    name: 'quarterdeck_log_fault',
    help: '1 where this process found that the log is not as it was sealed.',
    registers: [registry],
    async collect() {
      const standing = await sealing();
      if (standing !== undefined) this.set(standing.fault === undefined ? 0 : 1);
    },
  });
};
