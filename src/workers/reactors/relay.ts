/**
 * The relay of reactors: reads the log for them, and queues whatever PostgreSQL says is to be handled. No
 * leader: reading is one conditional statement, taking a delivery to queue it is another, and queueing it
 * twice is harmless. A queue that was flushed, restarted or unreachable is filled again from here.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createFilling } from '../filling.ts';
import { createPolling } from '../polling.ts';
import type { Queues } from '../queues.ts';
import type { Intake } from './intake.ts';
import { columnsOf, type Delivery, type Parts } from './parts.ts';
import { giveBackUnqueued, takeUnqueued, type UnqueuedRow } from './sql/deliveries.ts';

export interface ReactorRelay {
  start(): void;
  wake(): void;
  /** The queue answered when it was last asked. */
  reachable(): boolean;
  stop(): Promise<void>;
}

interface Options {
  readonly parts: Parts;
  readonly intake: Intake;
  readonly queues: Queues<Delivery>;
  readonly idleMs: () => number;
}

const pollMs = 1_000;
const trustSeconds = 5;
/** While the log is busy, a look begins no sooner after the one before. */
const restMs = 15;

const queuedOf = ({ reactor, position, attempts }: UnqueuedRow) => ({
  id: `${reactor}-${position}-${attempts}`,
  data: { reactor, position },
});

export const createReactorRelay = ({ parts, intake, queues, idleMs }: Options): ReactorRelay => {
  const { pool, onError, definitions } = parts;
  const filling = createFilling<Delivery>({ queues, onError, idleMs });
  let lookedAt = 0;

  const take = async (): Promise<readonly UnqueuedRow[]> => {
    const all = [...definitions().values()];
    const names = all.map(({ name }) => name);
    const rooms = all.map(({ concurrency }) => concurrency);
    const values = [names, rooms, trustSeconds, parts.environment];
    const { rows } = await pool.query<UnqueuedRow>({ ...takeUnqueued, values });
    return rows.sort((a, b) => a.position - b.position);
  };

  const look = async (): Promise<void> => {
    if (definitions().size === 0) return;
    await sleep(Math.max(0, lookedAt + restMs - Date.now()));
    lookedAt = Date.now();
    const more = await intake.read();
    const rows = await take();
    if (rows.length === 0) await filling.ping();
    else
      await filling.add(rows.map(queuedOf), () =>
        pool.query({ ...giveBackUnqueued, values: [...columnsOf(rows)] }),
      );
    await filling.listen(
      rows.length,
      rows.some(({ again }) => again),
    );
    if (more) polling.wake();
  };

  const doing = 'queueing what reactors have to handle';
  const polling = createPolling({ look, everyMs: pollMs, onError, doing });
  return { ...polling, reachable: filling.reachable };
};
