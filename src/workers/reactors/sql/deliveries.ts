/** What reactors have outstanding: read from the log, queued, leased, done or failed. */

/** $1 names, $2 the position from which each reads. Those that are there already stay where they are. */
export const insertReactors = {
  name: 'reactor_insert',
  text: `INSERT INTO reactors (name, position) SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT DO NOTHING RETURNING name, position`,
} as const;

/** $1 reactor, $2 position: begins there, wherever it stood before it, and has nothing outstanding from before. */
export const placeReactor = {
  name: 'reactor_place',
  text: `WITH placed AS (
      INSERT INTO reactors (name, position) VALUES ($1, $2)
      ON CONFLICT (name) DO UPDATE SET position = excluded.position WHERE reactors.position < excluded.position
    )
    DELETE FROM reactor_deliveries WHERE reactor = $1 AND position < $2`,
} as const;

/** $1 reactor, $2 position: to be handled once more, whatever became of it, and in no order with others. */
export const repeatDelivery = {
  name: 'reactor_repeat',
  text: `INSERT INTO reactor_deliveries (reactor, position, state) VALUES ($1, $2, 'pending')
    ON CONFLICT (reactor, position) DO UPDATE SET attempts = 0, due_at = clock_timestamp(), queued_until = NULL,
      state = CASE WHEN reactor_deliveries.state = 'dead' THEN 'pending' ELSE reactor_deliveries.state END`,
} as const;

/**
 * Nothing is read, queued or begun in a restored copy, whose environment has another name than the database
 * keeps. Asked in each statement, so that no process goes by what it once knew.
 */
const inEnvironment = (parameter: string): string =>
  `(${parameter}::text IS NULL OR EXISTS (SELECT FROM environment WHERE name = ${parameter}))`;

/** $1 names, $2 outstanding at most, $3 of them not held back, $4 environment: those that may read on. */
export const selectCheckpoints = {
  name: 'reactor_select_checkpoints',
  text: `SELECT r.name, r.position FROM reactors r CROSS JOIN LATERAL (
      SELECT count(*) AS outstanding, count(*) FILTER (WHERE state = 'pending') AS pending
      FROM reactor_deliveries WHERE reactor = r.name
    ) d
    WHERE r.name = ANY ($1::text[]) AND r.paused_at IS NULL AND d.outstanding < $2 AND d.pending < $3
      AND ${inEnvironment('$4')}`,
} as const;

export interface Checkpoint {
  readonly name: string;
  readonly position: number;
}

/**
 * $1 names, $2 their checkpoint, $3 the next, $4–$6 what they have to handle: reactor, position, sequence; $7–$9 of
 * which bulk jobs how much of it is: reactor, job, count.
 */
export const admitDeliveries = {
  name: 'reactor_admit',
  text: `SELECT reactor_admit($1::text[], $2, $3, $4::text[], $5::bigint[], $6::text[],
    $7::text[], $8::text[], $9::int[]) AS moved`,
} as const;

/**
 * $1 names, $2 how many each may have queued or in hand, $3 seconds for which the queue is trusted from now on,
 * $4 environment.
 * Rows that another relay has in hand are left to it.
 */
export const takeUnqueued = {
  name: 'reactor_take_unqueued',
  text: `
    WITH next AS (
      SELECT d.reactor, d.position FROM unnest($1::text[], $2::int[]) AS r (name, room)
      JOIN reactors s ON s.name = r.name AND s.paused_at IS NULL AND ${inEnvironment('$4')}
      CROSS JOIN LATERAL (
        SELECT reactor, position FROM reactor_deliveries
        WHERE reactor = r.name AND state = 'pending' AND due_at <= clock_timestamp()
          AND (queued_until IS NULL OR queued_until < clock_timestamp())
          AND (lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY position LIMIT greatest(0, r.room - (
          SELECT count(*) FROM reactor_deliveries b WHERE b.reactor = r.name AND b.state = 'pending'
            AND (b.queued_until >= clock_timestamp() OR b.lease_until >= clock_timestamp())))
      ) d
    ), locked AS (
      SELECT d.reactor, d.position, d.queued_until FROM reactor_deliveries d JOIN next USING (reactor, position)
      WHERE d.state = 'pending' AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
        AND (d.queued_until IS NULL OR d.queued_until < clock_timestamp())
      FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE reactor_deliveries d SET queued_until = clock_timestamp() + make_interval(secs => $3)
    FROM locked WHERE d.reactor = locked.reactor AND d.position = locked.position
    RETURNING d.reactor, d.position, d.attempts, locked.queued_until IS NOT NULL AS "again"`,
} as const;

export interface UnqueuedRow {
  readonly reactor: string;
  readonly position: number;
  /** How often it was attempted before. */
  readonly attempts: number;
  /** It had been queued before and nobody took it. */
  readonly again: boolean;
}

/** $1 reactors, $2 positions: the queue did not take them. */
export const giveBackUnqueued = {
  name: 'reactor_give_back_unqueued',
  text: `UPDATE reactor_deliveries d SET queued_until = NULL FROM unnest($1::text[], $2::bigint[]) AS g (reactor, position)
    WHERE d.reactor = g.reactor AND d.position = g.position`,
} as const;

/**
 * $1 reactors, $2 positions, $3 our lease, $4 seconds, $5 environment. No row: it is done, or not to be done now, or
 * another has it.
 */
export const leaseDeliveries = {
  name: 'reactor_lease',
  text: `UPDATE reactor_deliveries d SET lease = $3, lease_until = clock_timestamp() + make_interval(secs => $4),
      attempts = attempts + 1, queued_until = NULL
    FROM unnest($1::text[], $2::bigint[]) AS g (reactor, position), reactors r
    WHERE d.reactor = g.reactor AND d.position = g.position AND d.state = 'pending' AND d.due_at <= clock_timestamp()
      AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp()) AND r.name = d.reactor AND r.paused_at IS NULL
      AND ${inEnvironment('$5')}
    RETURNING d.reactor, d.position, d.attempts AS attempt`,
} as const;

export interface LeasedDelivery {
  readonly reactor: string;
  readonly position: number;
  /** From 1. */
  readonly attempt: number;
}

/** $1 reactors, $2 positions, $3 our lease, $4 seconds. */
export const renewLeases = {
  name: 'reactor_renew_leases',
  text: `UPDATE reactor_deliveries d SET lease_until = clock_timestamp() + make_interval(secs => $4)
    FROM unnest($1::text[], $2::bigint[]) AS g (reactor, position)
    WHERE d.reactor = g.reactor AND d.position = g.position AND d.lease = $3`,
} as const;

/** $1 reactors, $2 positions, $3 leases, $4 attempts. */
export const finishDeliveries = {
  name: 'reactor_done',
  text: 'SELECT reactor_done($1::text[], $2::bigint[], $3::text[], $4::int[]) AS freed',
} as const;

/** Of the attempt $3, $4 at $1, $2: it was cut short by the end of the process and does not count. */
export const giveBackLease = {
  name: 'reactor_give_back_lease',
  text: `UPDATE reactor_deliveries SET lease = NULL, lease_until = NULL, attempts = attempts - 1
    WHERE reactor = $1 AND position = $2 AND lease = $3 AND attempts = $4`,
} as const;

/** Of the attempt $3, $4 at $1, $2: $5 the state, $6 seconds until the next, $7 and $8 subject and sealed error. */
export const failDelivery = {
  name: 'reactor_fail',
  text: `UPDATE reactor_deliveries SET state = $5, due_at = clock_timestamp() + make_interval(secs => $6),
      lease = NULL, lease_until = NULL, failed_at = clock_timestamp(), error_subject = $7, error = $8
    WHERE reactor = $1 AND position = $2 AND lease = $3 AND attempts = $4`,
} as const;

/** $1 reactor: one more failure in a row. */
export const countFailure = {
  name: 'reactor_count_failure',
  text: 'UPDATE reactors SET failures = failures + 1 WHERE name = $1 RETURNING failures',
} as const;
