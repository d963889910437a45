/**
 * What becomes of an attempt that failed: another one later, or a dead letter; and after too many in a row
 * the reactor pauses. What is final is said in the log, in the transaction that makes it so.
 */
import { systemPrincipal } from '../../access/principal.ts';
import type { Tx } from '../../db/pool.ts';
import { inTransaction } from '../../db/transaction.ts';
import type { NewEvent } from '../../events/definition.ts';
import type { RecordedEvent } from '../../events/envelope.ts';
import type { Failure } from './attempt.ts';
import type { ReactorDefinition } from './definition.ts';
import { ReactorGaveUp, ReactorPaused } from './engine-events.ts';
import type { Parts } from './parts.ts';
import { recordIn } from './recording.ts';
import { countFailure, failDelivery, type LeasedDelivery } from './sql/deliveries.ts';
import { pauseReactor } from './sql/operating.ts';

export const errorContext = 'reactor.error';

export interface Failing {
  /** undefined: the event itself could not be read. */
  readonly event: RecordedEvent | undefined;
  readonly definition: ReactorDefinition;
  readonly delivery: LeasedDelivery;
  readonly lease: string;
}

export const createFailing = (parts: Parts) => {
  const { pool, log, codec, registry } = parts;

  /** It may quote the one whom the event is about, so it is sealed under their key and erased with it. */
  const sealed = async (event: RecordedEvent | undefined, message: string): Promise<[string, string]> => {
    const about = event === undefined ? undefined : registry.find(event.type)?.subject?.(event.data);
    const subject = about ?? event?.stream ?? 'reactors';
    return [subject, await codec.encryptText(subject, message, errorContext)];
  };

  const pausedBy = async (tx: Tx, { name, pauseAfter }: ReactorDefinition): Promise<NewEvent | undefined> => {
    const counted = await tx.query<{ failures: number }>({ ...countFailure, values: [name] });
    const failures = counted.rows[0]?.failures ?? 0;
    if (pauseAfter === undefined || failures < pauseAfter) return undefined;
    const paused = await tx.query({ ...pauseReactor, values: [name, 'repeated_failure'] });
    return paused.rowCount === 1 ? ReactorPaused.of({ reactor: name, failures }) : undefined;
  };

  return async (failing: Failing, { seconds, message }: Failure): Promise<void> => {
    const { delivery, definition, event, lease } = failing;
    const { reactor, position, attempt } = delivery;
    const dead = seconds === undefined;
    const error = await sealed(event, message);
    const written = await inTransaction(pool, async (tx) => {
      const values = [reactor, position, lease, attempt, dead ? 'dead' : 'pending', seconds ?? 0, ...error];
      const { rowCount } = await tx.query({ ...failDelivery, values });
      // Another process took it for dead and works on it.
      if (rowCount !== 1) return 0;
      const paused = await pausedBy(tx, definition);
      const { type = 'unreadable', stream = '$unreadable' } = event ?? {};
      const gaveUp = ReactorGaveUp.of({ reactor, position, eventType: type, stream, attempts: attempt });
      const events = [...(dead ? [gaveUp] : []), ...(paused === undefined ? [] : [paused])];
      return recordIn(tx, parts, { principal: systemPrincipal }, events);
    });
    if (written > 0) log.announce(written);
  };
};
