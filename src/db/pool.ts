/**
 * Connections to PostgreSQL. Every session speaks UTC and ISO dates, bounds its statements, its waits
 * for locks and its idle transactions, and parses values as `wire-types.ts` says.
 */
import pg from 'pg';
import { wireTypes } from './wire-types.ts';

export type Db = pg.Pool;
export type Tx = pg.PoolClient;
/** What a statement needs: a pool for one of its own, a connection for one inside a transaction. */
export type Queryable = Pick<pg.ClientBase, 'query'>;

export interface PoolOptions {
  readonly url: string;
  /** Connections at most; further work waits its turn. */
  readonly max?: number;
  /** Shown in `pg_stat_activity`. */
  readonly applicationName?: string;
  /** An idle connection broke. The pool has dropped it already and opens another when needed. */
  readonly onError: (error: Error) => void;
  /** 0 is no bound. */
  readonly statementTimeoutMs?: number;
}

/**
 * Sent in the start-up packet, so that they cost no round trip. Only these two: PgBouncer tracks them
 * and refuses a connection whose start-up packet sets anything else.
 */
const startupOptions = '-c TimeZone=UTC -c DateStyle=ISO,YMD';

/** What `pg.Client` and `pg.Pool` have in common here; long-lived connections use it too. */
export const connectionConfig = (url: string, applicationName: string): pg.ClientConfig => ({
  connectionString: url,
  application_name: applicationName,
  options: startupOptions,
  types: wireTypes,
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: 10_000,
});

const sessionBounds = (statementTimeoutMs: number): string =>
  `SELECT set_config('statement_timeout', '${statementTimeoutMs}', false),
          set_config('lock_timeout', '30000', false),
          set_config('idle_in_transaction_session_timeout', '60000', false)`;

export function createPool({
  url,
  max = 10,
  applicationName = 'quarterdeck',
  onError,
  statementTimeoutMs = 60_000,
}: PoolOptions): Db {
  const pool = new pg.Pool({
    ...connectionConfig(url, applicationName),
    max,
    // The pool waits for this promise before it hands the connection out; the types say void.
    onConnect: (async (client: pg.ClientBase) => {
      await client.query(sessionBounds(statementTimeoutMs));
    }) as (client: pg.ClientBase) => void,
  });
  pool.on('error', onError);
  return pool;
}

/** Whether values come as `wire-types.ts` says, as they do from a pool made here. */
export const parsesExactly = async (db: Queryable): Promise<boolean> => {
  const { rows } = await db.query<{ n: unknown }>('SELECT 1::int8 AS n');
  return rows[0]?.n === 1;
};
