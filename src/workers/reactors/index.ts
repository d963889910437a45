/**
 * Reactors, put together: looking at them in every process that serves the API; relay and deliveries in
 * those that call `start`. Nobody but the log tells a reactor of anything, and its checkpoint is its own: a
 * projection that is rebuilt does nothing here.
 */
import { createHmac } from 'node:crypto';
import type { Origin } from '../../access/origin.ts';
import { createQueues } from '../queues.ts';
import type { ReactorDefinition } from './definition.ts';
import { createDelivering } from './delivering.ts';
import { createReactorDesk, repeating } from './desk.ts';
import { reactorEvents } from './engine-events.ts';
import { createIntake } from './intake.ts';
import type { Delivery, Parts } from './parts.ts';
import { createReactorRelay } from './relay.ts';
import type { ReactorDesk } from './request.ts';
import { insertReactors, placeReactor } from './sql/deliveries.ts';

export { reactorEvents } from './engine-events.ts';
export type { ReactorDesk } from './request.ts';

export interface ReactorsOptions extends Omit<Parts, 'definitions' | 'hashOf'> {
  readonly definitions: readonly ReactorDefinition[];
  /** 32 bytes: keys of sequences are kept as HMACs. */
  readonly secret: Buffer;
  /** Queues on Redis; a comma-separated list is a cluster. */
  readonly redisUrl: string | undefined;
  /** Where queues live without Redis: a direct connection, not a pooler's. */
  readonly queueDatabaseUrl: string;
  /** Events handled at a time by this process. */
  readonly concurrency?: number;
}

export interface Reactors {
  readonly desk: ReactorDesk;
  /** Reads the log and delivers, from now on. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Adds, changes or (undefined) takes away one that is not in the code. A new one begins where it says. */
  define(name: string, definition: ReactorDefinition | undefined): Promise<void>;
  /** Has an event handled once more, whatever became of it; said in the log. Who may is for the caller to judge. */
  repeat(origin: Origin, name: string, position: number): Promise<void>;
  health(): { readonly queueReachable: boolean; readonly inHand: number; readonly handled: number };
}

/** Events of which a reactor could never get rid: each failure of its would make another. */
const ownTypes = new Set<string>(reactorEvents.map(({ type }) => type));

const requireKnown = (definition: ReactorDefinition, { registry }: Pick<Parts, 'registry'>): void => {
  const odd = definition.events.find((type) => registry.find(type) === undefined || ownTypes.has(type));
  if (odd !== undefined)
    throw new Error(`the reactor ${definition.name} is to be told of ${odd}, which no area defines`);
};

/** @throws Error when two definitions share a name, or one names events that there are not. */
export const createReactors = (options: ReactorsOptions): Reactors => {
  const { pool, log, onError, secret, redisUrl, queueDatabaseUrl, concurrency = 32 } = options;
  const definitions = new Map<string, ReactorDefinition>();
  for (const definition of options.definitions) {
    if (definitions.has(definition.name)) throw new Error(`the reactor ${definition.name} is defined twice`);
    requireKnown(definition, options);
    definitions.set(definition.name, definition);
  }
  const parts: Parts = {
    ...options,
    definitions: () => definitions,
    hashOf: (text) => createHmac('sha256', secret).update(`sequence\n${text}`).digest('base64url'),
  };
  const delivering = createDelivering({ parts, onFreed: () => relay.wake() });
  const queues = createQueues<Delivery>({
    queue: 'reactors',
    redisUrl,
    databaseUrl: queueDatabaseUrl,
    concurrency,
    onError,
  });
  const relay = createReactorRelay({
    parts,
    queues,
    intake: createIntake(parts),
    idleMs: () => (delivering.inHand() > 0 ? 0 : Date.now() - delivering.lastActiveAt()),
  });
  let off: () => void = () => undefined;
  let started = false;
  let consuming = false;

  /** Where there never was one of that name: from the head on, or from the beginning. */
  const place = async (some: readonly ReactorDefinition[]): Promise<void> => {
    const { position } = await log.head();
    const named = some.filter(({ startAt }) => typeof startAt !== 'number');
    const from = named.map(({ startAt }) => (startAt === 'head' ? position : 0));
    await pool.query({ ...insertReactors, values: [named.map(({ name }) => name), from] });
    for (const { name, startAt } of some)
      if (typeof startAt === 'number') await pool.query({ ...placeReactor, values: [name, startAt] });
  };

  /** Without a reactor there is no queue, and no connection for one. */
  const consume = (): void => {
    if (consuming || !started || definitions.size === 0) return;
    consuming = true;
    queues.consume(delivering.run);
    relay.start();
  };

  return {
    desk: createReactorDesk(parts, relay.wake),
    async start() {
      if (started) return;
      started = true;
      await place([...definitions.values()]);
      off = log.onAppended(relay.wake);
      consume();
    },
    async stop() {
      off();
      await relay.stop();
      await delivering.stop();
      await queues.close();
    },
    async define(name, definition) {
      if (definition === undefined) definitions.delete(name);
      else {
        requireKnown(definition, options);
        definitions.set(name, definition);
        if (started) await place([definition]);
      }
      consume();
      relay.wake();
    },
    repeat: repeating(parts, relay.wake),
    health: () => ({
      queueReachable: relay.reachable(),
      inHand: delivering.inHand(),
      handled: delivering.handled(),
    }),
  };
};
