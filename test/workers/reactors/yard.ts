/**
 * Reactors over a cloned database, with a small area of their own: bells that are hung and rung. Real log,
 * real pipeline, real queue; what the handlers do is up to each test.
 */
import { v7 as newId } from 'uuid';
import { z } from 'zod';
import { type Principal, permissions } from '../../../src/access/principal.ts';
import { createCatalogue } from '../../../src/commands/catalogue.ts';
import { createDeciding } from '../../../src/commands/deciding.ts';
import { defineCommand, reject } from '../../../src/commands/definition.ts';
import { commandEngineEvents } from '../../../src/commands/engine-events.ts';
import { createIdempotency } from '../../../src/commands/idempotency.ts';
import { createLanes } from '../../../src/commands/lanes.ts';
import { createPipeline } from '../../../src/commands/pipeline.ts';
import { createRefusalCounts } from '../../../src/commands/refusal-counts.ts';
import { defineStream } from '../../../src/commands/stream.ts';
import { environmentEvents } from '../../../src/environment.ts';
import { createCodec } from '../../../src/events/codec.ts';
import { defineEvent, type EventDefinition, type NewEvent } from '../../../src/events/definition.ts';
import type { RecordedEvent } from '../../../src/events/envelope.ts';
import { createEventLog } from '../../../src/events/event-log.ts';
import { createKeyRing } from '../../../src/events/keys.ts';
import { personal } from '../../../src/events/personal.ts';
import { createRegistry } from '../../../src/events/registry.ts';
import type { ReactorDefinition } from '../../../src/workers/reactors/definition.ts';
import { createReactors, type Reactors, reactorEvents } from '../../../src/workers/reactors/index.ts';
import type { TestDatabase } from '../../setup/database.ts';
import { until } from '../../setup/until.ts';

const bellId = z.string().regex(/^[a-z0-9-]{1,40}$/);

const Hung = defineEvent({
  type: 'BellHung',
  schema: z.object({ bellId, owner: personal(z.string()).optional() }),
  refs: (d) => [`bell-${d.bellId}`],
  subject: (d) => `bell-${d.bellId}`,
});
const Rung = defineEvent({
  type: 'BellRung',
  schema: z.object({ bellId, times: z.int() }),
  refs: (d) => [`bell-${d.bellId}`],
});

const bells = defineStream<{ hung: boolean; rung: number }, NewEvent>({
  prefix: 'bell',
  initialState: { hung: false, rung: 0 },
  evolve: (bell, { type }) =>
    type === 'BellHung' ? { ...bell, hung: true } : { ...bell, rung: bell.rung + 1 },
});

const hang = defineCommand({
  name: 'hang-bell',
  summary: 'Hang a bell.',
  input: z.object({ bellId, owner: personal(z.string()).optional() }),
  stream: bells,
  id: (input) => input.bellId,
  permission: 'bells:hang',
  decide: ({ bellId, owner }, bell) =>
    bell.hung
      ? reject('bell_hung', 'It hangs already.')
      : [Hung.of({ bellId, ...(owner === undefined ? {} : { owner }) })],
});

const ring = defineCommand({
  name: 'ring-bell',
  summary: 'Ring a bell.',
  input: z.object({ bellId }),
  stream: bells,
  id: (input) => input.bellId,
  permission: 'bells:ring',
  decide: ({ bellId }, { hung, rung }) =>
    hung ? [Rung.of({ bellId, times: rung + 1 })] : reject('not_found', 'There is no such bell.'),
});

export const person = (grants: readonly string[]): Principal => ({
  id: 'person:ann',
  kind: 'person',
  roles: [],
  permissions: permissions(grants),
  tool: 'console',
});

export const ann = person(['bells:*', 'reactors:*']);

const clock = (): string => new Date().toISOString().replace('Z', '000Z');

export interface YardOptions {
  readonly db: TestDatabase;
  readonly redisUrl?: string | undefined;
}

export const openYard = async ({ db, redisUrl }: YardOptions) => {
  const errors: string[] = [];
  const onError = (error: unknown, doing = ''): void => {
    errors.push(`${doing}: ${String(error)}`);
    if (process.env.REACTOR_TEST_ERRORS !== undefined) console.error(doing, error);
  };
  const codec = createCodec(createKeyRing(db.app, Buffer.alloc(32, 7)));
  const registry = createRegistry([
    Hung,
    Rung,
    ...reactorEvents,
    ...environmentEvents,
    ...commandEngineEvents,
  ] as unknown as EventDefinition[]);
  const log = createEventLog({ pool: db.app, registry, codec, onError });
  await log.start();
  const deciding = createDeciding(log);
  const commands = createPipeline({
    log,
    refusals: createRefusalCounts({ log, newId, clock, onError }),
    deciding,
    lanes: createLanes(log, deciding),
    catalogue: createCatalogue([hang, ring]),
    idempotency: createIdempotency(db.app, Buffer.alloc(32, 8)),
    source: { newId, clock },
    denied: async () => undefined,
  });
  const opened: Reactors[] = [];

  const openIn = async (
    environment: string | null,
    ...definitions: readonly ReactorDefinition[]
  ): Promise<Reactors> => {
    const reactors = createReactors({
      pool: db.app,
      log,
      codec,
      registry,
      commands,
      clock,
      newId,
      onError,
      definitions,
      environment,
      redisUrl,
      secret: Buffer.alloc(32, 9),
      queueDatabaseUrl: db.applicationUrl,
    });
    opened.push(reactors);
    await reactors.start();
    return reactors;
  };

  const open = (...definitions: readonly ReactorDefinition[]): Promise<Reactors> =>
    openIn(null, ...definitions);

  const run = async (name: string, input: object): Promise<number> => {
    const answer = await commands.execute({ name, input, principal: ann });
    if (answer.kind !== 'done') throw new Error('a dry run was not asked for');
    return answer.done.position;
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

  /** Everything in the log was read for the reactor and nothing of it is outstanding. */
  const settled = async (reactors: Reactors, name: string): Promise<void> => {
    const { position } = await log.head();
    await until(async () => {
      const { data } = await reactors.desk.list({ principal: ann });
      const one = data.find((row) => row.name === name);
      return one !== undefined && one.position >= position && one.pending + one.held + one.dead === 0;
    });
  };

  const standing = async (reactors: Reactors, name: string) => {
    const { data } = await reactors.desk.list({ principal: ann });
    const one = data.find((row) => row.name === name);
    if (one === undefined) throw new Error(`there is no reactor ${name}`);
    return one;
  };

  const stopAll = async (): Promise<void> => {
    for (const reactors of opened.splice(0)) await reactors.stop();
  };

  const close = async (): Promise<void> => {
    await stopAll();
    await log.stop();
  };

  return { db, log, codec, commands, errors, open, openIn, run, events, settled, standing, stopAll, close };
};

export type Yard = Awaited<ReturnType<typeof openYard>>;
