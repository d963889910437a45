/** How a job runs: when, how fast, and whether too much of it goes wrong. */

/** $1 job, $2 start, $3 weight, $4 items a second at most, $5 failure ratio at most; while it is staged. */
export const conductJob = {
  name: 'bulk_conduct_job',
  text: `UPDATE bulk_jobs SET start_at = $2::timestamptz, weight = $3, max_rate = $4, max_failure_ratio = $5
    WHERE id = $1 AND state = 'staging'`,
} as const;

/**
 * $1 job, $2 items: takes the turn to decide so many, of every process the only one. No row: not yet, the
 * other statement says for how long. A turn that came late is made up for, by a fifth of a second at most, so that the
 * rate is kept on average and never much exceeded.
 */
export const takeTurn = {
  name: 'bulk_take_turn',
  text: `UPDATE bulk_jobs SET paced_until = greatest(paced_until, clock_timestamp() - interval '0.2 s')
      + make_interval(secs => $2::float8 / max_rate)
    WHERE id = $1 AND (paced_until IS NULL OR paced_until <= clock_timestamp()) RETURNING 1`,
} as const;

/** $1 job: milliseconds until the next turn. */
export const untilTurn = {
  name: 'bulk_until_turn',
  text: `SELECT greatest(0, extract(epoch FROM paced_until - clock_timestamp()) * 1000)::float8 AS ms
    FROM bulk_jobs WHERE id = $1`,
} as const;
