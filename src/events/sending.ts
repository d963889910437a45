/**
 * Sends a batch so that its outcome is always known. After a lost connection nobody can tell whether
 * COMMIT arrived; sending again could double a refund. So the backend that may still be at work is
 * ended first (a fence: it can then neither commit later nor hold the append lock), and the log is read
 * for the ids of our own events: what is there was accepted, what is not there is sent again.
 *
 * Only errors that prove a rollback are retried blindly.
 */
import type { Db, Queryable, Tx } from '../db/pool.ts';
import { outcomeUnknown, provesRollback } from '../db/sqlstate.ts';
import { QuarterdeckError } from '../errors.ts';
import { append, type EncodedUnit } from './append.ts';
import { fenceBackend, identifyBackend } from './sql/backend.ts';
import { findAppended } from './sql/read-events.ts';
import type { Appended, UnitOutcome } from './unit.ts';

export interface Sender {
  send(units: readonly EncodedUnit[]): Promise<readonly UnitOutcome[]>;
}

interface Backend {
  readonly pid: number;
  readonly startedAt: string;
}

interface Options {
  readonly pool: Db;
  /** A position that the log had certainly reached before this batch was sent. */
  readonly knownHead: () => number;
  readonly attemptsMax?: number;
  readonly pauseMs?: (attempt: number) => number;
}

const backends = new WeakMap<Tx, Backend>();

const identify = async (client: Tx): Promise<Backend> => {
  const known = backends.get(client);
  if (known !== undefined) return known;
  const { rows } = await client.query<{ pid: number; started_at: string }>(identifyBackend);
  const row = rows[0];
  if (row === undefined)
    throw new QuarterdeckError('unavailable', 'The database does not know this connection.');
  const backend = { pid: row.pid, startedAt: row.started_at };
  backends.set(client, backend);
  return backend;
};

type Attempt =
  | { readonly outcomes: readonly UnitOutcome[] }
  | { readonly lost: Backend | undefined; readonly error: unknown };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const createSender = ({
  pool,
  knownHead,
  attemptsMax = 8,
  pauseMs = (n) => 50 * 2 ** n,
}: Options): Sender => {
  const attempt = async (units: readonly EncodedUnit[]): Promise<Attempt> => {
    const client = await pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    let backend: Backend | undefined;
    try {
      backend = await identify(client);
      return { outcomes: await append(client, units) };
    } catch (error) {
      if (outcomeUnknown(error)) broken ??= error as Error;
      if (broken !== undefined || outcomeUnknown(error)) return { lost: backend, error };
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken ?? false);
    }
  };

  /** What became of the events with these ids, after making sure that nothing can become of them later. */
  const readBack = async (
    db: Queryable,
    backend: Backend | undefined,
    since: number,
    units: readonly EncodedUnit[],
  ) => {
    if (backend !== undefined) await db.query({ ...fenceBackend, values: [backend.pid, backend.startedAt] });
    const ids = units.flatMap(({ events }) => events.map((e) => e.id));
    const { rows } = await db.query<Appended & { id: string; recordedAt: string }>({
      ...findAppended,
      values: [since, ids],
    });
    return new Map(rows.map((row) => [row.id, row]));
  };

  const send = async (units: readonly EncodedUnit[]): Promise<readonly UnitOutcome[]> => {
    const since = knownHead();
    const outcomes: (UnitOutcome | undefined)[] = units.map(() => undefined);
    let lost: { backend: Backend | undefined; error: unknown } | undefined;
    for (let n = 0; n < attemptsMax; n++) {
      try {
        if (lost !== undefined) {
          const found = await readBack(pool, lost.backend, since, units);
          units.forEach(({ events }, u) => {
            outcomes[u] ??= acceptedFrom(events.map((e) => found.get(e.id)));
          });
          lost = undefined;
        }
        const open = units.flatMap((unit, u) => (outcomes[u] === undefined ? [{ unit, u }] : []));
        if (open.length === 0) return outcomes as UnitOutcome[];
        const result = await attempt(open.map(({ unit }) => unit));
        if ('outcomes' in result) {
          open.forEach(({ u }, i) => {
            outcomes[u] = result.outcomes[i];
          });
          return outcomes as UnitOutcome[];
        }
        lost = { backend: result.lost, error: result.error };
      } catch (error) {
        if (!provesRollback(error) && !outcomeUnknown(error)) throw error;
        if (n === attemptsMax - 1) throw unavailable(error);
      }
      await pause(pauseMs(n));
    }
    throw unavailable(lost?.error);
  };

  return { send };
};

const acceptedFrom = (
  rows: readonly ((Appended & { recordedAt: string }) | undefined)[],
): UnitOutcome | undefined => {
  const events = rows.filter((row) => row !== undefined);
  const first = events[0];
  if (first === undefined || events.length < rows.length) return undefined;
  return {
    accepted: true,
    events: events.map(({ position, version }) => ({ position, version })),
    recordedAt: first.recordedAt,
  };
};

const unavailable = (cause: unknown): QuarterdeckError =>
  new QuarterdeckError(
    'unavailable',
    'The database cannot be reached; whether the command took effect is not known yet.',
    {
      retryAfterSeconds: 5,
      cause,
    },
  );
