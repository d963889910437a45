/** A log with goods and their prices, and projections over it. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { type Principal, permissions } from '../../src/access/principal.ts';
import type { Db } from '../../src/db/pool.ts';
import { createCodec } from '../../src/events/codec.ts';
import {
  defineEvent,
  type EventData,
  type EventDefinition,
  type EventOf,
} from '../../src/events/definition.ts';
import type { Metadata } from '../../src/events/envelope.ts';
import { createEventLog, emptyUnit, type RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { personal } from '../../src/events/personal.ts';
import { createRegistry } from '../../src/events/registry.ts';
import { defineProjection, type ProjectionDefinition } from '../../src/queries/definition.ts';
import { queryEvents } from '../../src/queries/engine-events.ts';
import { createReadSide, type ReadSide, type ReadSideOptions } from '../../src/queries/read-side.ts';
import type { TestDatabase } from '../setup/database.ts';

export const Stocked = defineEvent({
  type: 'Stocked',
  schema: z.object({
    good: z.string(),
    kind: z.string(),
    price: z.string().optional(),
    rank: z.number().optional(),
    buyer: personal(z.string().optional()),
  }),
  refs: ({ good }) => [`good-${good}`],
  subject: ({ good }) => `good-${good}`,
});
export const Priced = defineEvent({
  type: 'Priced',
  schema: z.object({ good: z.string(), price: z.string() }),
  refs: ({ good }) => [`good-${good}`],
});
export const Sold = defineEvent({
  type: 'Sold',
  schema: z.object({ good: z.string() }),
  refs: ({ good }) => [`good-${good}`],
});
/** Something that no projection here reads. */
export const Noted = defineEvent({
  type: 'Noted',
  schema: z.object({ text: z.string() }),
  refs: () => [],
});

export const eventDefinitions = [
  Stocked,
  Priced,
  Sold,
  Noted,
  ...queryEvents,
] as unknown as EventDefinition[];

export const goodRow = z.object({
  good: z.string(),
  kind: z.enum(['book', 'tool', 'food']),
  price: z.string().nullable(),
  rank: z.number().optional(),
  changes: z.number().int(),
  changedAt: z.iso.datetime(),
  inStock: z.boolean(),
  tags: z.array(z.string()),
  buyer: z.string().optional(),
  cost: z.string().optional(),
});
export type GoodRow = z.output<typeof goodRow>;

type GoodEvent = EventOf<typeof Stocked> | EventOf<typeof Priced> | EventOf<typeof Sold>;

export const goodsOf = (more: { version?: number; onEvolve?: (key: string) => void } = {}) =>
  defineProjection<typeof goodRow, GoodEvent>({
    name: 'goods',
    summary: 'Goods in stock.',
    version: more.version ?? 1,
    schema: goodRow,
    keyField: 'good',
    fields: {
      kind: { index: true },
      price: { money: true, index: true },
      buyer: { personal: true, recordReads: true },
      cost: { money: true, internal: 'goods:read-internal' },
    },
    events: ['Stocked', 'Priced', 'Sold'],
    keys: (event) => [event.data.good],
    stream: (key) => `good-${key}`,
    subject: (row) => `good-${row.good}`,
    permission: 'goods:read',
    evolve(row, event, key) {
      more.onEvolve?.(key);
      const changedAt = event.recordedAt;
      switch (event.type) {
        case 'Stocked': {
          const { good, kind, price, rank, buyer } = event.data;
          return {
            good,
            kind: kind as GoodRow['kind'],
            price: price ?? null,
            changes: 0,
            changedAt,
            inStock: true,
            tags: [kind, `t-${good}`],
            cost: '1.10',
            ...(rank === undefined ? {} : { rank }),
            ...(buyer === undefined ? {} : { buyer }),
          };
        }
        case 'Priced':
          return row === undefined
            ? undefined
            : { ...row, price: event.data.price, changes: row.changes + 1, changedAt };
        case 'Sold':
          return null;
      }
    },
  });

export const kindRow = z.object({ kind: z.string(), count: z.number().int(), goods: z.array(z.string()) });

/** One row of several streams. */
export const kinds = defineProjection<typeof kindRow, EventOf<typeof Stocked>>({
  name: 'kinds',
  summary: 'Goods by kind.',
  version: 1,
  schema: kindRow,
  keyField: 'kind',
  events: ['Stocked'],
  keys: (event) => [event.data.kind],
  streams: (key) => [`shelf-${key}`],
  permission: 'kinds:read',
  evolve: (row, event, key) => ({
    kind: key,
    count: (row?.count ?? 0) + 1,
    goods: [...(row?.goods ?? []), event.data.good],
  }),
});

export const projections = (...definitions: unknown[]) => definitions as ProjectionDefinition[];

export const masterKey = randomBytes(32);

export const metadata = (more: Partial<Metadata> = {}): Metadata => ({
  actor: { id: 'person:test', kind: 'person' },
  tool: 'console',
  commandId: crypto.randomUUID(),
  correlationId: crypto.randomUUID(),
  decidedAt: '2026-03-03T10:00:00.000000Z',
  ...more,
});

export const openLog = async (pool: Db): Promise<RunningLog> => {
  const log = createEventLog({
    pool,
    registry: createRegistry(eventDefinitions),
    codec: createCodec(createKeyRing(pool, masterKey)),
    onError: () => undefined,
  });
  await log.start();
  return log;
};

export const stocked = (good: string, kind = 'book', more: object = {}) =>
  Stocked.of({ good, kind, ...more });

/** Appends each event to the stream of its good; returns the last position. */
export const happen = async (
  log: RunningLog,
  ...events: { type: string; data: EventData }[]
): Promise<number> => {
  const streams = events.map(({ data }) => (data.good === undefined ? '$notes' : `good-${data.good}`));
  const outcome = await log.append({
    ...emptyUnit,
    writes: [...new Set(streams)].map((stream) => ({ stream, base: 'any' as const })),
    events: events.map((event, i) => ({ ...event, stream: streams[i] ?? '', metadata: metadata() })),
  });
  if (!outcome.accepted) throw new Error(outcome.cause);
  return outcome.events.at(-1)?.position ?? 0;
};

export const timestamp = (time = new Date()): string => time.toISOString().replace('Z', '000Z');

export const principalWith = (...grants: string[]): Principal => ({
  id: 'person:reader',
  kind: 'person',
  email: 'reader@test',
  roles: [],
  permissions: permissions(grants),
  tool: 'console',
});
export const everyone = principalWith('*');

export interface Bed extends ReadSide {
  readonly log: RunningLog;
  readonly errors: string[];
  readonly end: () => Promise<void>;
}

/** A running read side over the database, with a log of its own. */
export const open = async (
  db: TestDatabase,
  definitions: readonly ProjectionDefinition[],
  more: Partial<ReadSideOptions> & { project?: boolean } = {},
): Promise<Bed> => {
  const log = await openLog(db.app);
  const errors: string[] = [];
  const side = createReadSide({
    pool: db.app,
    log,
    projections: definitions,
    leaderUrl: db.applicationUrl,
    secret: masterKey,
    clock: timestamp,
    newId: () => crypto.randomUUID(),
    onError: (error) => {
      errors.push(
        error instanceof Error && error.cause !== undefined ? `${error}: ${error.cause}` : String(error),
      );
    },
    logLine: () => undefined,
    ...more,
  });
  if (more.project !== false) side.projector.start();
  return {
    ...side,
    log,
    errors,
    end: async () => {
      await side.projector.stop();
      await side.stop();
      await log.stop();
    },
  };
};

export const query = (parameters: Record<string, string> = {}) => new URLSearchParams(parameters);

/** Resolves when every projection is live and at the head. */
export const caughtUp = async (bed: Bed): Promise<void> => {
  for (;;) {
    const { projections: all, head } = await bed.health();
    if (all.every((p) => p.state === 'live' && p.position === head)) return;
    if (bed.errors.length > 0) throw new Error(bed.errors.join('\n'));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};
