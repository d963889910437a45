/**
 * Bulk work over a cloned database, with a small area of its own: crates that are packed, moved and
 * sealed. Real log, real pipeline parts, real read side, real queue; only who people are is a table here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { v7 as newId } from 'uuid';
import { z } from 'zod';
import { type Principal, permissions } from '../../src/access/principal.ts';
import { createCatalogue } from '../../src/commands/catalogue.ts';
import { createDeciding, type Deciding } from '../../src/commands/deciding.ts';
import { defineCommand, reject } from '../../src/commands/definition.ts';
import { commandEngineEvents } from '../../src/commands/engine-events.ts';
import { createIdempotency } from '../../src/commands/idempotency.ts';
import { createLanes } from '../../src/commands/lanes.ts';
import { createPipeline } from '../../src/commands/pipeline.ts';
import { createRefusalCounts } from '../../src/commands/refusal-counts.ts';
import { defineStream } from '../../src/commands/stream.ts';
import { createCodec } from '../../src/events/codec.ts';
import { defineEvent, type EventDefinition, type NewEvent } from '../../src/events/definition.ts';
import type { RecordedEvent } from '../../src/events/envelope.ts';
import { createEventLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import { personal } from '../../src/events/personal.ts';
import { createRegistry } from '../../src/events/registry.ts';
import { defineProjection } from '../../src/queries/definition.ts';
import { queryEvents } from '../../src/queries/engine-events.ts';
import { createReadSide } from '../../src/queries/read-side.ts';
import {
  type Bulk,
  type BulkJob,
  bulkEvents,
  createBulk,
  type Headroom,
  type ItemResult,
} from '../../src/workers/index.ts';
import type { TestDatabase } from '../setup/database.ts';

const crateId = z.string().regex(/^[a-z0-9-]{1,40}$/, 'must be lower-case letters, digits and hyphens');

const Packed = defineEvent({
  type: 'CratePacked',
  schema: z.object({
    crateId,
    weight: z.number(),
    fragile: z.boolean(),
    owner: personal(z.string()).optional(),
  }),
  refs: (d) => [`crate-${d.crateId}`],
  subject: (d) => `crate-${d.crateId}`,
});
const Moved = defineEvent({
  type: 'CrateMoved',
  schema: z.object({ crateId, to: z.string() }),
  refs: (d) => [`crate-${d.crateId}`],
});

interface Crate {
  readonly packed: boolean;
  readonly owner?: unknown;
  readonly at: string;
  readonly moves: number;
}

export const crates = defineStream<Crate, NewEvent>({
  prefix: 'crate',
  initialState: { packed: false, at: 'dock', moves: 0 },
  evolve: (crate, event) =>
    event.type === 'CratePacked'
      ? { ...crate, packed: true, ...(event.data.owner === undefined ? {} : { owner: event.data.owner }) }
      : { ...crate, at: String(event.data.to), moves: crate.moves + 1 },
  notes: { permission: 'crates:read', personal: ['owner'], internal: { moves: 'crates:moves' } },
});

export const pack = defineCommand({
  name: 'pack-crate',
  summary: 'Pack a crate.',
  input: z.object({
    crateId,
    weight: z.number().positive(),
    fragile: z.boolean().optional(),
    owner: personal(z.string().min(1)).optional(),
  }),
  stream: crates,
  id: (input) => input.crateId,
  permission: 'crates:pack',
  alsoNeeds: (input) => (input.weight > 1_000 ? ['crates:pack-heavy'] : []),
  bulk: { field: 'crateId' },
  decide: ({ crateId, weight, fragile = false, owner }, crate) =>
    crate.packed
      ? reject('crate_packed', 'The crate is packed already.')
      : [Packed.of({ crateId, weight, fragile, ...(owner === undefined ? {} : { owner }) })],
});

/** `broken` makes the decider throw: a fault, not a rule. */
let broken = true;
export const mendDecider = (): void => {
  broken = false;
};
export const breakDecider = (): void => {
  broken = true;
};

export const move = defineCommand({
  name: 'move-crate',
  summary: 'Move a crate.',
  input: z.object({ crateId, to: z.string().min(1), reason: personal(z.string()).optional() }),
  stream: crates,
  id: (input) => input.crateId,
  permission: 'crates:move',
  bulk: { field: 'crateId' },
  inverse: {
    command: 'move-crate',
    input: ({ crateId }, before) => (before.at === 'chute' ? undefined : { crateId, to: before.at }),
  },
  decide: ({ crateId, to }, crate) => {
    if (to === 'broken' && broken) throw new Error('the decider is broken');
    if (!crate.packed) return reject('not_found', 'There is no such crate.');
    if (to === 'nowhere') return reject('no_such_place', 'There is no such place.');
    return crate.at === to ? [] : [Moved.of({ crateId, to })];
  },
});

const weigh = defineCommand({
  name: 'weigh-crate',
  summary: 'Does not run in bulk.',
  input: z.object({ crateId }),
  stream: crates,
  id: (input) => input.crateId,
  permission: 'crates:move',
  decide: () => [],
});

/** Only for whoever signed in lately. */
const crush = defineCommand({
  name: 'crush-crate',
  summary: 'Fails for every crate.',
  input: z.object({ crateId }),
  stream: crates,
  id: (input) => input.crateId,
  permission: 'crates:move',
  bulk: { field: 'crateId' },
  needs: { freshSignInMinutes: 5 },
  decide: () => {
    throw new Error('the press is broken');
  },
});

export const crateRows = defineProjection({
  name: 'crates',
  summary: 'Crates and where they are.',
  version: 1,
  schema: z.object({ crateId: z.string(), at: z.string(), weight: z.number() }),
  keyField: 'crateId',
  fields: { at: { index: true }, weight: { internal: 'crates:weights' } },
  events: ['CratePacked', 'CrateMoved'] as const,
  keys: (event) => [String(event.data.crateId)],
  evolve: (row, event) =>
    event.type === 'CratePacked'
      ? { crateId: String(event.data.crateId), at: 'dock', weight: Number(event.data.weight) }
      : row && { ...row, at: String(event.data.to) },
  stream: (key) => `crate-${key}`,
  permission: 'crates:read',
});

export const everything = ['bulk:*', 'crates:*'];

export const person = (name: string, grants: readonly string[] = everything): Principal => ({
  id: `person:${name}`,
  kind: 'person',
  name,
  email: `${name}@example.test`,
  roles: [],
  permissions: permissions(grants),
  tool: 'console',
  sessionId: 'session-1',
});

export const ann = person('ann');

const clock = (): string => new Date().toISOString().replace('Z', '000Z');

export interface HouseOptions {
  readonly db: TestDatabase;
  readonly redisUrl?: string | undefined;
  readonly concurrency?: number;
  readonly environment?: string;
  /** false: another process runs the projector. */
  readonly reading?: boolean;
  /** What bulk work yields to. */
  readonly headroom?: Headroom;
  /** Wraps the deciding, to look at it or to hold it up. */
  readonly deciding?: (inner: Deciding) => Deciding;
}

export const openHouse = async ({
  db,
  redisUrl,
  concurrency,
  environment,
  reading = true,
  headroom,
  deciding: wrap = (d) => d,
}: HouseOptions) => {
  const errors: { error: unknown; doing: string }[] = [];
  const onError = (error: unknown, doing = ''): void => {
    errors.push({ error, doing });
    if (process.env.BULK_TEST_ERRORS !== undefined) console.error(doing, error);
  };
  const codec = createCodec(createKeyRing(db.app, Buffer.alloc(32, 7)));
  const log = createEventLog({
    pool: db.app,
    registry: createRegistry([
      Packed,
      Moved,
      ...bulkEvents,
      ...commandEngineEvents,
      ...queryEvents,
    ] as unknown as EventDefinition[]),
    codec,
    onError,
  });
  await log.start();
  const deciding = createDeciding(log);
  const catalogue = createCatalogue([pack, move, weigh, crush]);
  const idempotency = createIdempotency(db.app, Buffer.alloc(32, 8));
  const readSide = createReadSide({
    pool: db.app,
    log,
    projections: [crateRows as never],
    leaderUrl: db.applicationUrl,
    secret: Buffer.alloc(32, 9),
    clock,
    newId,
    onError,
    logLine: () => undefined,
  });
  if (reading) await readSide.projector.start();
  const denials: string[] = [];
  const people = new Map<string, Principal>([[ann.id, ann]]);
  const pipeline = createPipeline({
    log,
    refusals: createRefusalCounts({ log, newId, clock, onError }),
    deciding,
    lanes: createLanes(log, deciding),
    catalogue,
    idempotency,
    source: { newId, clock },
    denied: async () => undefined,
  });

  const openBulk = (): Bulk =>
    createBulk({
      pool: db.app,
      log,
      deciding: wrap(deciding),
      catalogue,
      idempotency,
      codec,
      selecting: { projections: [crateRows], selectKeys: readSide.queries.selectKeys },
      requesters: {
        scopeOf: () => null,
        principalOf: async ({ id }) => people.get(id),
      },
      clock,
      newId,
      onError,
      denied: async (_origin, denial) => {
        denials.push('permission' in denial ? denial.permission : `${denial.command}: ${denial.code}`);
      },
      redisUrl,
      queueDatabaseUrl: db.applicationUrl,
      environment,
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(headroom === undefined ? {} : { headroom }),
    });
  const bulk = openBulk();

  const run = (name: string, input: object, principal: Principal = ann) =>
    pipeline.execute({ name, input, principal });

  const runWithKey = (idempotencyKey: string, name: string, input: object) =>
    pipeline.execute({ name, input, principal: ann, idempotencyKey });

  const start = async (body: object, principal: Principal = ann): Promise<BulkJob> =>
    (await bulk.accept.fromBody({ principal, body })).job;

  const upload = async (
    query: Record<string, string>,
    text: string | Buffer,
    more: object = {},
  ): Promise<BulkJob> =>
    (
      await bulk.accept.fromUpload({
        principal: ann,
        mediaType: 'text/csv',
        query,
        content: inPieces(text),
        ...more,
      })
    ).job;

  /** What stored items were given, personal fields opened. */
  const openInputs = (items: readonly { readonly i: Readonly<Record<string, unknown>> }[]) =>
    codec.decryptFields(items.map(({ i }) => ({ context: 'bulk pack-crate', data: i })));

  const until = async (id: string, holds: (job: BulkJob) => boolean): Promise<BulkJob> => {
    const giveUpAt = Date.now() + 60_000;
    for (;;) {
      const job = await bulk.jobs.get({ principal: ann, id });
      if (holds(job)) return job;
      if (Date.now() > giveUpAt)
        throw new Error(
          `still waiting: ${JSON.stringify(job)} ${errors.map(({ error, doing }) => `${doing}: ${error}`)}`,
        );
      await sleep(20);
    }
  };
  const ended = (id: string): Promise<BulkJob> => until(id, (job) => job.finishedAt !== null);

  const allResults = async (id: string, outcome?: string): Promise<ItemResult[]> => {
    const results: ItemResult[] = [];
    const request = { principal: ann, id, ...(outcome === undefined ? {} : { outcome }) };
    for await (const some of await bulk.jobs.allResults(request)) results.push(...some);
    return results;
  };

  const events = async (...types: string[]): Promise<readonly RecordedEvent[]> => {
    const found: RecordedEvent[] = [];
    for (let after = 0; ; ) {
      const page = await log.read({ after, limit: 5_000, ...(types.length === 0 ? {} : { types }) });
      found.push(...page.events);
      if (page.position === after) return found;
      after = page.position;
    }
  };

  /** Packs crates without bulk, many at a time. */
  const stock = async (ids: readonly string[]): Promise<void> => {
    for (let from = 0; from < ids.length; from += 200) {
      await Promise.all(
        ids.slice(from, from + 200).map((id) => run('pack-crate', { crateId: id, weight: 1 })),
      );
    }
  };

  const close = async (): Promise<void> => {
    await bulk.stop();
    await readSide.projector.stop();
    await readSide.stop();
    await log.stop();
  };

  return {
    db,
    bulk,
    openBulk,
    log,
    deciding,
    people,
    denials,
    errors,
    run,
    runWithKey,
    start,
    upload,
    openInputs,
    until,
    ended,
    allResults,
    events,
    stock,
    close,
  };
};

export type House = Awaited<ReturnType<typeof openHouse>>;

export async function* inPieces(text: string | Buffer, size = 1_000): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

export const ids = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}${n}`);

/** Exactly once, from the log alone, by what `quarterdeck bulk verify` does; and the log agrees with the rows. */
export const proveFromLog = async (house: House, job: BulkJob): Promise<void> => {
  const { faults, counts, total } = await house.bulk.verify(job.id);
  expect(faults).toEqual([]);
  expect(total).toBe(job.total);
  if (job.finishedAt !== null) {
    expect(counts).toEqual({
      succeeded: job.succeeded,
      unchanged: job.unchanged,
      rejected: job.rejected,
      failed: job.failed,
      skipped: job.skipped,
      cancelled: job.cancelled,
    });
  }
};
