/** A chunk's life: queued, leased, decided round by round, done. */

/**
 * The lowest pending chunks of each running job that nobody works on and the queue is not trusted to hold;
 * from now on it is, for $2 seconds. Rows that another relay has in hand are left to it. A start that was planned
 * waits in a restored copy, whose database belongs to another environment than $3 (null: no matter which).
 *
 * $1 chunks are out at a time, shared among the jobs by weight, each at least one. The queue is first come,
 * first served and what is done is queued again at its end, so that what jobs get done is in proportion to
 * how many of their chunks are out. A job with a failure ratio has only its first chunk out until that is
 * done; one with a rate has few, and none while its next turn is still to come.
 */
export const takeUnqueued = {
  name: 'bulk_take_unqueued',
  text: `
    WITH open AS (
      SELECT id, paced_until, CASE
          WHEN max_failure_ratio IS NOT NULL AND EXISTS (
            SELECT FROM bulk_chunks b WHERE b.job_id = j.id AND b.chunk = 0 AND b.state = 'pending') THEN 1
          WHEN max_rate IS NOT NULL THEN least($1::int, 1 + floor(max_rate / 1000))::int
          ELSE greatest(1, round($1::int * weight::numeric / sum(weight) OVER ()))::int END AS room
      FROM bulk_jobs j
      WHERE state IN ('accepted', 'running') AND (start_at IS NULL OR start_at <= clock_timestamp())
        AND (start_at IS NULL OR state = 'running' OR $3::text IS NULL
          OR EXISTS (SELECT FROM environment WHERE name = $3))
    ), next AS (
      SELECT c.job_id, c.chunk FROM open j CROSS JOIN LATERAL (
        SELECT job_id, chunk, after_chunk, lease_until, queued_until FROM bulk_chunks
        WHERE job_id = j.id AND state = 'pending' ORDER BY chunk LIMIT j.room
      ) c
      WHERE (j.paced_until IS NULL OR j.paced_until <= clock_timestamp())
        AND (c.lease_until IS NULL OR c.lease_until < clock_timestamp())
        AND (c.queued_until IS NULL OR c.queued_until < clock_timestamp())
        AND (c.after_chunk IS NULL OR NOT EXISTS (
          SELECT FROM bulk_chunks b WHERE b.job_id = c.job_id AND b.chunk <= c.after_chunk AND b.state = 'pending'))
    ), locked AS (
      SELECT b.job_id, b.chunk, b.queued_until FROM bulk_chunks b JOIN next USING (job_id, chunk)
      WHERE b.state = 'pending' AND (b.lease_until IS NULL OR b.lease_until < clock_timestamp())
        AND (b.queued_until IS NULL OR b.queued_until < clock_timestamp())
      FOR UPDATE OF b SKIP LOCKED
    )
    UPDATE bulk_chunks c SET queued_until = clock_timestamp() + make_interval(secs => $2)
    FROM locked WHERE c.job_id = locked.job_id AND c.chunk = locked.chunk
    RETURNING c.job_id AS "jobId", c.chunk, c.attempts, locked.queued_until IS NOT NULL AS "again"`,
} as const;

export interface UnqueuedChunk {
  readonly jobId: string;
  readonly chunk: number;
  /** How often it was worked on before. */
  readonly attempts: number;
  /** It had been queued before and nobody took it. */
  readonly again: boolean;
}

/** $1 jobs, $2 chunks, $3 seconds until the relay looks at them again. */
export const requeueChunks = {
  name: 'bulk_requeue_chunks',
  text: `UPDATE bulk_chunks c SET queued_until = CASE WHEN $3 > 0 THEN clock_timestamp() + make_interval(secs => $3) END
    FROM unnest($1::text[], $2::integer[]) AS g (job_id, chunk)
    WHERE c.job_id = g.job_id AND c.chunk = g.chunk AND c.state = 'pending'`,
} as const;

/**
 * $1 job, $2 chunk, $3 our lease, $4 seconds. No row: it is done, its job does not run, or somebody alive
 * works on it. Waits for a transaction that still has the row in hand, so what it committed is seen.
 */
export const leaseChunk = {
  name: 'bulk_lease_chunk',
  text: `UPDATE bulk_chunks c SET lease = $3, lease_until = clock_timestamp() + make_interval(secs => $4),
      attempts = attempts + 1, queued_until = NULL
    WHERE job_id = $1 AND chunk = $2 AND state = 'pending'
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
      AND EXISTS (SELECT FROM bulk_jobs j WHERE j.id = $1 AND j.state IN ('accepted', 'running')
        AND (j.start_at IS NULL OR j.start_at <= clock_timestamp()))
    RETURNING first_index AS "firstIndex", items, rounds, attempts, inputs`,
} as const;

export interface LeasedRow {
  readonly firstIndex: number;
  readonly items: number;
  readonly rounds: number;
  readonly attempts: number;
  readonly inputs: readonly unknown[];
}

/** $1 job. */
export const startJob = {
  name: 'bulk_start_job',
  text: `UPDATE bulk_jobs SET state = 'running', started_at = clock_timestamp(), rate_since = clock_timestamp()
    WHERE id = $1 AND state = 'accepted'`,
} as const;

/** $1 job, $2 chunk. */
export const selectRounds = {
  name: 'bulk_select_rounds',
  text: 'SELECT outcomes FROM bulk_rounds WHERE job_id = $1 AND chunk = $2 ORDER BY round',
} as const;

/** $1 job, $2 chunk, $3 our lease, $4 seconds. */
export const renewLease = {
  name: 'bulk_renew_lease',
  text: `UPDATE bulk_chunks SET lease_until = clock_timestamp() + make_interval(secs => $4)
    WHERE job_id = $1 AND chunk = $2 AND lease = $3 AND state = 'pending'`,
} as const;

/** $1 job, $2 chunk, $3 our lease, $4 seconds until the relay may queue it again. */
export const releaseChunk = {
  name: 'bulk_release_chunk',
  text: `UPDATE bulk_chunks SET lease = NULL, lease_until = NULL,
      queued_until = CASE WHEN $4 > 0 THEN clock_timestamp() + make_interval(secs => $4) END
    WHERE job_id = $1 AND chunk = $2 AND lease = $3 AND state = 'pending'`,
} as const;

/**
 * The first statement of every round: $1 job, $2 chunk, $3 our lease, $4 rounds as we know them, $5 the
 * job's control version. No row: a second delivery, or the job was paused or cancelled. Stop.
 */
export const lockChunk = {
  name: 'bulk_lock_chunk',
  text: `SELECT 1 FROM bulk_chunks c
    WHERE job_id = $1 AND chunk = $2 AND state = 'pending' AND lease = $3 AND rounds = $4
      AND EXISTS (SELECT FROM bulk_jobs j WHERE j.id = $1 AND j.control_version = $5)
    FOR UPDATE OF c`,
} as const;

/** The last one: $1 job, $2 chunk, $3 outcomes, $4–$8 counts, $9 position, $10 lease seconds. */
export const writeRound = {
  name: 'bulk_write_round',
  text: `
    WITH touched AS (
      UPDATE bulk_chunks SET rounds = rounds + 1, succeeded = succeeded + $4, unchanged = unchanged + $5,
        rejected = rejected + $6, failed = failed + $7, skipped = skipped + $8, position = greatest(position, $9),
        state = CASE WHEN succeeded + unchanged + rejected + failed + skipped + $4 + $5 + $6 + $7 + $8 >= items
          THEN 'done' ELSE state END,
        lease_until = clock_timestamp() + make_interval(secs => $10)
      WHERE job_id = $1 AND chunk = $2 RETURNING rounds, state
    )
    INSERT INTO bulk_rounds (job_id, chunk, round, outcomes) SELECT $1, $2, rounds, $3::json FROM touched`,
} as const;

/** Of the jobs $1 (null: all), those whose chunks are all done but whose end nobody has written. */
export const selectEndable = {
  name: 'bulk_select_endable',
  text: `SELECT id FROM bulk_jobs j WHERE state IN ('accepted', 'running') AND ($1::text[] IS NULL OR id = ANY ($1))
    AND NOT EXISTS (SELECT FROM bulk_chunks c WHERE c.job_id = j.id AND c.state = 'pending') LIMIT 100`,
} as const;

/** $1 job. Rows in hand are left alone: nobody waits here while holding the append lock. */
export const unqueueChunks = {
  name: 'bulk_unqueue_chunks',
  text: `UPDATE bulk_chunks c SET queued_until = NULL FROM (
      SELECT job_id, chunk FROM bulk_chunks
      WHERE job_id = $1 AND state = 'pending' AND queued_until IS NOT NULL FOR UPDATE SKIP LOCKED
    ) q WHERE c.job_id = q.job_id AND c.chunk = q.chunk`,
} as const;
