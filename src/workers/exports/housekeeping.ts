/**
 * Queues what PostgreSQL says is unfinished, and ends exports whose time is over: their keys go first, so that a
 * file that cannot be taken away at this moment is unreadable all the same.
 */
import type { Metadata } from '../../events/envelope.ts';
import { createFilling, type Filling } from '../filling.ts';
import { createPolling } from '../polling.ts';
import type { Queues } from '../queues.ts';
import { executor } from '../requester.ts';
import type { Endings } from './endings.ts';
import { ExportExpired } from './engine-events.ts';
import type { ExportParts } from './parts.ts';
import type { ExportState } from './request.ts';
import {
  forgetExports,
  giveBack,
  selectExpired,
  selectHolding,
  selectUncleared,
  takeUnqueued,
} from './sql/exports.ts';
import type { ExportDelivery } from './writing.ts';

export interface Housekeeping {
  start(): void;
  wake(): void;
  reachable(): boolean;
  /** As `Exports` says. */
  withdraw(fields: Readonly<Record<string, readonly string[]>>): Promise<number>;
  stop(): Promise<void>;
}

interface Options {
  readonly queues: Queues<ExportDelivery>;
  readonly idleMs: () => number;
}

const pollMs = 1_000;
const queuedMax = 16;
const trustSeconds = 5;
const expiringMax = 100;
const expireEveryMs = 5_000;
/** For so long an export that ended is still listed; the log keeps it for ever. */
const listedDays = 30;

interface Unqueued {
  readonly id: string;
  readonly attempts: number;
  readonly again: boolean;
}

export const createHousekeeping = (
  parts: ExportParts,
  endings: Endings,
  { queues, idleMs }: Options,
): Housekeeping => {
  const { pool, onError } = parts;
  const filling: Filling<ExportDelivery> = createFilling({ queues, onError, idleMs });
  let expiredAt = 0;

  const queue = async (): Promise<void> => {
    const { rows } = await pool.query<Unqueued>({ ...takeUnqueued, values: [queuedMax, trustSeconds] });
    const jobs = rows.map(({ id, attempts }) => ({ id: `${id}-${attempts}`, data: { id } }));
    if (jobs.length > 0)
      await filling.add(jobs, () => pool.query({ ...giveBack, values: [rows.map(({ id }) => id)] }));
    else await filling.ping();
    await filling.listen(
      rows.length,
      rows.some(({ again }) => again),
    );
  };

  const metadata = (correlationId: string): Metadata => ({
    actor: executor,
    tool: 'quarterdeck',
    commandId: parts.newId(),
    correlationId,
    decidedAt: parts.clock(),
  });

  const endAs = (id: string, early: boolean, states: readonly ExportState[]): Promise<boolean> =>
    endings.end(
      id,
      () => metadata(id),
      ({ state }) =>
        states.includes(state)
          ? { state: 'expired', event: ExportExpired.of({ exportId: id, early }) }
          : undefined,
    );

  const withdraw: Housekeeping['withdraw'] = async (fields) => {
    let ended = 0;
    for (const [projection, names] of Object.entries(fields)) {
      const { rows } = await pool.query<{ id: string }>({ ...selectHolding, values: [projection, names] });
      for (const { id } of rows) if (await endAs(id, true, ['accepted', 'running', 'completed'])) ended++;
    }
    return ended;
  };

  const expire = async (): Promise<void> => {
    if (Date.now() - expiredAt < expireEveryMs) return;
    expiredAt = Date.now();
    const now = parts.clock();
    const { rows } = await pool.query<{ id: string }>({ ...selectExpired, values: [now, expiringMax] });
    for (const { id } of rows) await endAs(id, false, ['completed']);
    const { rows: left } = await pool.query<{ id: string }>({ ...selectUncleared, values: [expiringMax] });
    for (const { id } of left) await endings.clear(id);
    const before = new Date(Date.parse(now) - listedDays * 86_400_000).toISOString();
    await pool.query({ ...forgetExports, values: [before] });
  };

  const look = async (): Promise<void> => {
    await queue();
    await expire();
  };

  const polling = createPolling({ look, everyMs: pollMs, onError, doing: 'queueing exports' });
  return {
    start: polling.start,
    wake: polling.wake,
    reachable: filling.reachable,
    withdraw,
    stop: polling.stop,
  };
};
