/**
 * Takes deliveries from the queue: leases each, reads its event, has it handled, and writes down what became
 * of it. May be killed anywhere: a lease that nobody renews ends, and the relay queues the delivery again.
 */
import { setMaxListeners } from 'node:events';
import type { RecordedEvent } from '../../events/envelope.ts';
import { createAttempting, failureOf } from './attempt.ts';
import type { ReactorDefinition } from './definition.ts';
import { createFailing } from './failing.ts';
import { createGathering } from './gathering.ts';
import { columnsOf, type Delivery, type Parts } from './parts.ts';
import {
  finishDeliveries,
  giveBackLease,
  type LeasedDelivery,
  leaseDeliveries,
  renewLeases,
} from './sql/deliveries.ts';

const leaseSeconds = 5;
const renewEveryMs = 1_500;
/** What ends with the process is told so only after this while: most handlers need less. */
const graceMs = 5_000;

export interface Delivering {
  /** Never throws: whatever happens, PostgreSQL knows what is left to do. */
  run(delivery: Delivery): Promise<void>;
  /** Handlers under way may end; those that do not are told to, and their events handled elsewhere. */
  stop(): Promise<void>;
  readonly inHand: () => number;
  readonly handled: () => number;
  readonly lastActiveAt: () => number;
}

interface Options {
  readonly parts: Parts;
  /** Something that was held back may be queued now. */
  readonly onFreed: () => void;
}

const nameOf = ({ reactor, position }: Delivery): string => `${reactor}\n${position}`;

export const createDelivering = ({ parts, onFreed }: Options): Delivering => {
  const { pool, log, onError, definitions } = parts;
  const lease = parts.newId();
  const attempting = createAttempting(parts);
  const fail = createFailing(parts);
  const inHand = new Map<string, Delivery>();
  const ending = new AbortController();
  // As many listen to it as events are in hand.
  setMaxListeners(0, ending.signal);
  let stopping = false;
  let handled = 0;
  let lastActiveAt = Date.now();
  let renewing: NodeJS.Timeout | undefined;
  let onEmpty: () => void = () => undefined;

  const take = createGathering<Delivery, LeasedDelivery | undefined>(async (deliveries) => {
    const values = [...columnsOf(deliveries), lease, leaseSeconds, parts.environment];
    const { rows } = await pool.query<LeasedDelivery>({ ...leaseDeliveries, values });
    const leased = new Map(rows.map((row) => [nameOf(row), row]));
    return deliveries.map((delivery) => leased.get(nameOf(delivery)));
  });

  const read = createGathering<number, RecordedEvent | Error>(async (positions) => {
    const events = new Map((await log.readAt(positions)).map((event) => [event.position, event]));
    return positions.map((at) => events.get(at) ?? new Error(`There is no event at position ${at}.`));
  });

  const finish = createGathering<LeasedDelivery, void>(async (done) => {
    const values = [...columnsOf(done), done.map(() => lease), done.map(({ attempt }) => attempt)];
    const { rows } = await pool.query<{ freed: number }>({ ...finishDeliveries, values });
    if ((rows[0]?.freed ?? 0) > 0) onFreed();
    return done.map(() => undefined);
  });

  /** One statement for all that is in hand. */
  const renew = async (): Promise<void> => {
    const values = [...columnsOf([...inHand.values()]), lease, leaseSeconds];
    await pool.query({ ...renewLeases, values });
  };

  /** An event that cannot be read together with others fails alone. */
  const readOne = async (position: number): Promise<RecordedEvent> => {
    const found = await read(position).catch(async () => (await log.readAt([position]))[0]);
    if (found === undefined || found instanceof Error)
      throw found ?? new Error(`There is no event at ${position}.`);
    return found;
  };

  const handle = async (definition: ReactorDefinition, leased: LeasedDelivery): Promise<void> => {
    let event: RecordedEvent | undefined;
    try {
      event = await readOne(leased.position);
      await attempting(definition, event, leased.attempt, ending.signal);
    } catch (error) {
      const { reactor, position, attempt } = leased;
      if (ending.signal.aborted) {
        await pool.query({ ...giveBackLease, values: [reactor, position, lease, attempt] });
        return;
      }
      onError(error, `the reactor ${reactor} at position ${position}, attempt ${attempt}`);
      await fail({ definition, event, delivery: leased, lease }, failureOf(definition, attempt, error));
      return;
    }
    await finish(leased);
    handled++;
  };

  const attempt = async (delivery: Delivery): Promise<void> => {
    const definition = definitions().get(delivery.reactor);
    if (definition === undefined) return;
    const leased = await take(delivery);
    if (leased === undefined) return;
    // Attempts that ended with their process count too: an event that ends every process must stop somewhere.
    const beyond = leased.attempt > definition.retrying.attemptsMax;
    if (!beyond) return handle(definition, leased);
    const event = await readOne(leased.position).catch(() => undefined);
    const message = 'The process ended while it was at work.';
    await fail({ definition, event, delivery: leased, lease }, { message, seconds: undefined });
  };

  return {
    async run(delivery) {
      lastActiveAt = Date.now();
      // One that is in hand here already was queued again: its lease says so.
      const name = nameOf(delivery);
      if (stopping || inHand.has(name)) return;
      inHand.set(name, delivery);
      renewing ??= setInterval(() => {
        if (inHand.size > 0) renew().catch((error: unknown) => onError(error, 'keeping leases of reactors'));
      }, renewEveryMs);
      try {
        await attempt(delivery);
      } catch (error) {
        onError(error, `delivering position ${delivery.position} to the reactor ${delivery.reactor}`);
      } finally {
        inHand.delete(name);
        if (inHand.size === 0) onEmpty();
      }
    },
    async stop() {
      stopping = true;
      const late = setTimeout(() => ending.abort(), graceMs);
      if (inHand.size > 0) {
        await new Promise<void>((resolve) => {
          onEmpty = resolve;
        });
      }
      clearTimeout(late);
      clearInterval(renewing);
    },
    inHand: () => inHand.size,
    handled: () => handled,
    lastActiveAt: () => lastActiveAt,
  };
};
