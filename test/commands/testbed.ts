/** The write side over a cloned database, with a small area of its own: jars that hold at most ten. */
import { v7 as newId } from 'uuid';
import { z } from 'zod';
import type { Origin } from '../../src/access/origin.ts';
import { type Principal, permissions } from '../../src/access/principal.ts';
import { createCatalogue } from '../../src/commands/catalogue.ts';
import { createDeciding } from '../../src/commands/deciding.ts';
import { type CommandDefinition, defineCommand, reject } from '../../src/commands/definition.ts';
import { commandEngineEvents } from '../../src/commands/engine-events.ts';
import { createIdempotency } from '../../src/commands/idempotency.ts';
import { createLanes } from '../../src/commands/lanes.ts';
import { createPipeline } from '../../src/commands/pipeline.ts';
import { createRefusalCounts } from '../../src/commands/refusal-counts.ts';
import type { CommandRequest } from '../../src/commands/request.ts';
import { defineStream } from '../../src/commands/stream.ts';
import type { Db } from '../../src/db/pool.ts';
import { createCodec } from '../../src/events/codec.ts';
import { defineEvent, type EventDefinition, type NewEvent } from '../../src/events/definition.ts';
import { createEventLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import type { EventLog } from '../../src/events/log.ts';
import { createRegistry } from '../../src/events/registry.ts';

export const jarId = z.string().regex(/^[a-z0-9]+$/, 'must be lower-case letters and digits');

export const Filled = defineEvent({
  type: 'Filled',
  schema: z.object({ jarId, by: z.int() }),
  refs: (d) => [`jar-${d.jarId}`],
});
const Sealed = defineEvent({ type: 'Sealed', schema: z.object({ jarId }), refs: (d) => [`jar-${d.jarId}`] });

export interface Jar {
  readonly filled: number;
  readonly sealed: boolean;
}

export const jars = defineStream<Jar, NewEvent>({
  prefix: 'jar',
  initialState: { filled: 0, sealed: false },
  evolve: (jar, event) =>
    event.type === 'Filled'
      ? { ...jar, filled: jar.filled + Number(event.data.by) }
      : { ...jar, sealed: true },
});

export const fill = defineCommand({
  name: 'fill-jar',
  summary: 'Fill a jar.',
  input: z.object({ jarId, by: z.int().positive().max(1_000_000), lid: jarId.optional() }),
  stream: jars,
  id: (input) => input.jarId,
  // The lid is another jar that must not be sealed: a rule across streams.
  reads: { lid: { stream: jars, id: (input) => input.lid } },
  permission: 'jars:fill',
  alsoNeeds: (input) => (input.by > 500 ? ['jars:fill-large'] : []),
  decide: (input, jar, { read }) => {
    if (jar.sealed) return reject('jar_sealed', 'The jar is sealed.');
    if (read.lid.sealed) return reject('lid_sealed', 'The lid is sealed.');
    return [Filled.of({ jarId: input.jarId, by: input.by })];
  },
});

export const sealJar = defineCommand({
  name: 'seal-jar',
  summary: 'Seal a jar.',
  input: z.object({ jarId }),
  stream: jars,
  id: (input) => input.jarId,
  permission: 'jars:seal',
  needs: { reason: true },
  decide: (input, jar) => {
    if (jar.filled === 0) return reject('not_found', 'There is no such jar.');
    return jar.sealed ? [] : [Sealed.of({ jarId: input.jarId })];
  },
});

/** `between` runs before each append of a lane: whatever may happen in other processes at that moment. */
export const openWriteSide = async (
  pool: Db,
  commands: readonly CommandDefinition[] = [fill, sealJar],
  between: (log: EventLog) => Promise<unknown> = async () => undefined,
  clock = () => new Date().toISOString().replace('Z', '000Z'),
) => {
  const log = createEventLog({
    pool,
    registry: createRegistry([Filled, Sealed, ...commandEngineEvents] as unknown as EventDefinition[]),
    codec: createCodec(createKeyRing(pool, Buffer.alloc(32, 7))),
    onError: () => undefined,
  });
  await log.start();
  const deciding = createDeciding(log);
  const idempotency = createIdempotency(pool, Buffer.alloc(32, 8));
  const append: EventLog['append'] = async (unit) => {
    await between(log);
    return log.append(unit);
  };
  const denials: { origin: Origin; denial: { command: string; permission: string } }[] = [];
  const refusals = createRefusalCounts({ log, newId, clock, onError: () => undefined });
  const pipeline = createPipeline({
    log,
    refusals,
    deciding,
    lanes: createLanes({ append, appendDecided: log.appendDecided }, deciding),
    catalogue: createCatalogue(commands),
    idempotency,
    source: { newId, clock },
    denied: async (origin, denial) => {
      denials.push({ origin, denial });
    },
  });
  const ask = (name: string, input: unknown, more: Partial<CommandRequest> = {}) =>
    pipeline.execute({ name, input, principal: tester(['jars:fill', 'jars:seal']), ...more });
  return { log, pipeline, ask, denials, idempotency, refusals };
};

export const tester = (grants: readonly string[], id = 'person:tester'): Principal => ({
  id,
  kind: 'person',
  roles: ['tester'],
  permissions: permissions(grants),
  tool: 'console',
});
