/**
 * Sends a batch so that its outcome is always known. After a lost connection nobody can tell whether
 * COMMIT arrived; sending again could double a refund. So the backend that may still be at work is
 * ended first (a fence: it can then neither commit later nor hold the append lock), and the log is read
 * for the ids of our own events: what is there was accepted, what is not there is sent again. Behind a
 * pooler nobody knows which backend that is: then what is not there is not sent again either, and the
 * caller is told that the outcome is not known.
 *
 * Only errors that prove a rollback are retried blindly.
 */
import type { Db, Tx } from '../db/pool.ts';
import { outcomeUnknown } from '../db/sqlstate.ts';
import { inTransaction } from '../db/transaction.ts';
import { QuarterdeckError } from '../errors.ts';
import { admit, append } from './append.ts';
import { isPassing, lacksPartition, whileAway } from './away.ts';
import type { Alongside } from './log.ts';
import { fenceBackend, identifyBackend } from './sql/backend.ts';
import { findAppended } from './sql/read-events.ts';
import type { Appended, PreparedUnit, Unit, UnitEvent, UnitOutcome } from './unit.ts';

export interface Sender {
  /** @throws QuarterdeckError `unavailable` when the database stays away. */
  send(units: readonly Unit[]): Promise<readonly UnitOutcome[]>;
  /** Decides while the append lock is held, so that nobody can come between; `decide` may be called again. */
  sendDecided(decide: () => Promise<Unit>, alongside?: Alongside): Promise<UnitOutcome>;
}

interface Options {
  readonly pool: Db;
  readonly encode: (units: readonly Unit[]) => Promise<readonly PreparedUnit[]>;
  /** A position that the log had certainly reached before this batch was sent. */
  readonly knownHead: () => number;
  readonly ensurePartitions: () => Promise<void>;
}

interface Backend {
  readonly pid: number;
  readonly startedAt: string;
  /** The connection's other end says it is another process than the one that serves it. */
  readonly pooled: boolean;
}

/** What may have been appended or not. */
interface Lost {
  /** undefined: it was not even identified, so nothing was sent. */
  readonly backend: Backend | undefined;
  readonly since: number;
  readonly units: readonly PreparedUnit[];
}

const backends = new WeakMap<Tx, Backend>();

const identify = async (client: Tx): Promise<Backend> => {
  const known = backends.get(client);
  if (known !== undefined) return known;
  const { rows } = await client.query<{ pid: number; startedAt: string }>(identifyBackend);
  const [row] = rows;
  if (row === undefined) throw new Error('the database does not know the connection it serves');
  const { processID } = client as Tx & { readonly processID?: number | null };
  const backend = { ...row, pooled: processID !== row.pid };
  backends.set(client, backend);
  return backend;
};

/** The lost backend did not end in time, so it may still commit: to be fenced again. */
class StillAtWork extends Error {}

const mayPass = (error: unknown): boolean =>
  isPassing(error) || lacksPartition(error) || error instanceof StillAtWork;

export const createSender = ({ pool, encode, knownHead, ensurePartitions }: Options): Sender => {
  /** One statement is one transaction. `onLost` is told when its outcome is unknown. */
  const attempt = async (units: readonly PreparedUnit[], onLost: (backend: Backend | undefined) => void) => {
    const client = await pool.connect();
    let broken: Error | undefined;
    const onError = (error: Error): void => {
      broken = error;
    };
    client.on('error', onError);
    let backend: Backend | undefined;
    try {
      backend = await identify(client);
      return await append(client, units);
    } catch (error) {
      if (outcomeUnknown(error)) broken ??= error as Error;
      if (broken === undefined) throw error;
      onLost(backend);
      throw isPassing(error) ? error : broken;
    } finally {
      client.off('error', onError);
      client.release(broken ?? false);
    }
  };

  /** What became of each unit, after making sure that nothing can become of it later. */
  const readBack = async ({ backend, since, units }: Lost): Promise<(UnitOutcome | undefined)[]> => {
    if (backend !== undefined && !backend.pooled) {
      const values = [backend.pid, backend.startedAt];
      const { rows } = await pool.query<{ ended: boolean }>({ ...fenceBackend, values });
      if (rows[0]?.ended === false) throw new StillAtWork(`backend ${backend.pid} does not end`);
    }
    const ids = units.flatMap(({ events }) => events.map((e) => e.id));
    const { rows } = await pool.query<Appended & { id: string }>({ ...findAppended, values: [since, ids] });
    const found = new Map(rows.map((row) => [row.id, row]));
    const outcomes = units.map(({ events }) => acceptedFrom(events.map((e) => found.get(e.id))));
    if (backend?.pooled === true && outcomes.includes(undefined)) {
      throw new QuarterdeckError('unavailable', notKnown, { retryAfterSeconds: 5 });
    }
    return outcomes;
  };

  const healing =
    <T>(work: () => Promise<T>) =>
    async (): Promise<T> => {
      try {
        return await work();
      } catch (error) {
        if (lacksPartition(error)) await ensurePartitions();
        throw error;
      }
    };

  const send = async (units: readonly Unit[]): Promise<readonly UnitOutcome[]> => {
    const since = knownHead();
    const outcomes: (UnitOutcome | undefined)[] = units.map(() => undefined);
    let encoded: readonly PreparedUnit[] | undefined;
    let lost: Lost | undefined;
    const work = async (): Promise<readonly UnitOutcome[]> => {
      encoded ??= await encode(units);
      if (lost !== undefined) {
        const found = await readBack(lost);
        found.forEach((outcome, u) => {
          outcomes[u] ??= outcome;
        });
        lost = undefined;
      }
      const open = encoded.flatMap((unit, u) => (outcomes[u] === undefined ? [{ unit, u }] : []));
      if (open.length === 0) return outcomes as UnitOutcome[];
      const all = encoded;
      const sent = await attempt(
        open.map(({ unit }) => unit),
        (backend) => {
          lost = { backend, since, units: all };
        },
      );
      open.forEach(({ u }, i) => {
        outcomes[u] = sent[i];
      });
      return outcomes as UnitOutcome[];
    };
    return whileAway(healing(work), { isPassing: mayPass, saying: () => sayingOf(lost) });
  };

  const sendDecided: Sender['sendDecided'] = async (decide, alongside) => {
    let lost: Lost | undefined;
    const work = async (): Promise<UnitOutcome> => {
      const found = lost === undefined ? undefined : (await readBack(lost))[0];
      if (found !== undefined) return found;
      lost = undefined;
      const since = knownHead();
      let sending: Lost | undefined;
      try {
        return await inTransaction(pool, async (tx) => {
          const backend = await identify(tx);
          await admit(tx, []);
          const units = await encode([await decide()]);
          sending = { backend, since, units };
          const outcome = (await append(tx, units))[0] as UnitOutcome;
          if (alongside !== undefined) await doAlongside(tx, alongside, units[0], outcome);
          return outcome;
        });
      } catch (error) {
        if (outcomeUnknown(error)) lost = sending;
        throw error;
      }
    };
    return whileAway(healing(work), { isPassing: mayPass, saying: () => sayingOf(lost) });
  };

  return { send, sendDecided };
};

const doAlongside = async (
  tx: Tx,
  alongside: Alongside,
  prepared: PreparedUnit | undefined,
  outcome: UnitOutcome,
): Promise<void> => {
  if (!outcome.accepted || prepared === undefined) return;
  await alongside(tx, appendedIn(prepared.unit, outcome.events));
};

/** The events of a unit with where they stand. */
export const appendedIn = (unit: Unit, places: readonly Appended[]): readonly (UnitEvent & Appended)[] =>
  unit.events.map((event, n) => ({ ...event, ...(places[n] as Appended) }));

const acceptedFrom = (rows: readonly (Appended | undefined)[]): UnitOutcome | undefined => {
  const events = rows.filter((row) => row !== undefined);
  if (events.length === 0 || events.length < rows.length) return undefined;
  return { accepted: true, events: events.map(({ position, version }) => ({ position, version })) };
};

const notKnown = 'The connection was lost; whether the command took effect is not known yet.';

const sayingOf = (lost: Lost | undefined): string =>
  lost === undefined ? 'The database cannot be reached; the command was not carried out.' : notKnown;
