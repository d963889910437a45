/** Changes of a job's state, each in the transaction of the event that says so, after the append lock. */

/** $1 job, $2 control version expected, $3 state, $4 reason. */
export const pauseJob = {
  name: 'bulk_pause_job',
  text: `UPDATE bulk_jobs SET state = $3, paused_reason = $4, control_version = control_version + 1
    WHERE id = $1 AND control_version = $2 AND state IN ('accepted', 'running')`,
} as const;

/**
 * $1 job, $2 control version expected. Rate and failure ratio count from here. A job whose start is still to
 * come waits for it again.
 */
export const resumeJob = {
  name: 'bulk_resume_job',
  text: `UPDATE bulk_jobs SET paused_reason = NULL, control_version = control_version + 1,
      state = CASE WHEN start_at > clock_timestamp() THEN 'accepted' ELSE 'running' END,
      started_at = CASE WHEN start_at > clock_timestamp() THEN NULL ELSE coalesce(started_at, clock_timestamp()) END,
      rate_since = CASE WHEN start_at > clock_timestamp() THEN NULL ELSE clock_timestamp() END,
      (rate_base, bad_base) = (SELECT coalesce(sum(succeeded + unchanged + rejected + failed + skipped), 0),
        coalesce(sum(rejected + failed), 0) FROM bulk_chunks WHERE job_id = $1)
    WHERE id = $1 AND control_version = $2 AND state = 'paused'`,
} as const;

/**
 * $1 job. Before the append lock, as everywhere: waits for the rounds that have a chunk in hand, then
 * nothing of the job can be decided any more. Returns how many items had not been decided.
 */
export const cancelChunks = {
  name: 'bulk_cancel_chunks',
  text: `
    WITH open AS (SELECT job_id, chunk FROM bulk_chunks WHERE job_id = $1 AND state = 'pending' ORDER BY chunk FOR UPDATE),
    cancelled AS (
      UPDATE bulk_chunks c SET state = 'done',
        cancelled = items - succeeded - unchanged - rejected - failed - skipped
      FROM open WHERE c.job_id = open.job_id AND c.chunk = open.chunk RETURNING c.cancelled
    ) SELECT coalesce(sum(cancelled), 0) AS cancelled FROM cancelled`,
} as const;

/** $1 job, $2 control version expected, $3 position. */
export const cancelJob = {
  name: 'bulk_cancel_job',
  text: `UPDATE bulk_jobs SET state = 'cancelled', paused_reason = NULL, control_version = control_version + 1,
      finished_at = clock_timestamp(), position = $3, counted = (
        SELECT json_build_object('succeeded', sum(succeeded), 'unchanged', sum(unchanged), 'rejected', sum(rejected),
          'failed', sum(failed), 'skipped', sum(skipped), 'cancelled', sum(cancelled))
        FROM bulk_chunks WHERE job_id = $1)
    WHERE id = $1 AND control_version = $2 AND state IN ('accepted', 'running', 'paused')`,
} as const;

/** $1 job: what its chunks sum to; no row while one is pending or the job is not running. */
export const sumFinished = {
  name: 'bulk_sum_finished',
  text: `SELECT sum(succeeded) AS succeeded, sum(unchanged) AS unchanged, sum(rejected) AS rejected,
      sum(failed) AS failed, sum(skipped) AS skipped, sum(cancelled) AS cancelled
    FROM bulk_chunks c JOIN bulk_jobs j ON j.id = c.job_id
    WHERE c.job_id = $1 AND j.state IN ('accepted', 'running') HAVING bool_and(c.state = 'done')`,
} as const;

/** $1 job, $2 state, $3 counts, $4 position. */
export const finishJob = {
  name: 'bulk_finish_job',
  text: `UPDATE bulk_jobs SET state = $2, counted = $3::json, position = $4, finished_at = clock_timestamp()
    WHERE id = $1 AND state IN ('accepted', 'running')`,
} as const;
