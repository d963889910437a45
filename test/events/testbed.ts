/** A log over a cloned database, with a few event types of its own. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Db } from '../../src/db/pool.ts';
import type { ArchivedEvents } from '../../src/events/archived.ts';
import { createCodec } from '../../src/events/codec.ts';
import { defineEvent, type EventData, type EventDefinition } from '../../src/events/definition.ts';
import type { Metadata } from '../../src/events/envelope.ts';
import { createEventLog, emptyUnit, type RunningLog } from '../../src/events/event-log.ts';
import { createKeyRing } from '../../src/events/keys.ts';
import type { Folding } from '../../src/events/log.ts';
import { personal } from '../../src/events/personal.ts';
import { createRegistry } from '../../src/events/registry.ts';
import type { Unit } from '../../src/events/unit.ts';

export const Counted = defineEvent({
  type: 'Counted',
  schema: z.object({ counter: z.string(), by: z.number() }),
  refs: ({ counter }) => [counter],
});

export const Named = defineEvent({
  type: 'Named',
  schema: z.object({
    counter: z.string(),
    owner: personal(z.string()),
    email: personal(z.string().optional()),
  }),
  refs: ({ counter }) => [counter],
  subject: ({ counter }) => counter,
});

export const definitions: readonly EventDefinition[] = [
  Counted as EventDefinition,
  Named as unknown as EventDefinition,
];

export const counting: Folding<{ total: number }> = {
  name: 'counter',
  initialState: { total: 0 },
  stateVersion: 1,
  evolve: (state, event) =>
    event.type === 'Counted' ? { total: state.total + Number(event.data.by) } : state,
  subject: (_state, stream) => stream,
};

export const masterKey = randomBytes(32);

export const openLog = async (
  pool: Db,
  known = definitions,
  archived?: ArchivedEvents,
): Promise<RunningLog> => {
  const log = createEventLog({
    pool,
    archived,
    registry: createRegistry(known),
    codec: createCodec(createKeyRing(pool, masterKey)),
    onError: () => undefined,
  });
  await log.start();
  return log;
};

export const metadata = (more: Partial<Metadata> = {}): Metadata => ({
  actor: { id: 'person:test', kind: 'person' },
  tool: 'console',
  commandId: crypto.randomUUID(),
  correlationId: crypto.randomUUID(),
  decidedAt: '2026-03-03T10:00:00.000000Z',
  ...more,
});

export const counted = (stream: string, by = 1) => ({
  stream,
  type: 'Counted',
  data: { counter: stream, by } satisfies EventData,
  metadata: metadata(),
});

/** A unit that adds to a counter, on a version or behind whatever is there. */
export const add = (stream: string, base: number | 'any', more: Partial<Unit> = {}): Unit => ({
  ...emptyUnit,
  writes: [{ stream, base }],
  events: [counted(stream)],
  ...more,
});
