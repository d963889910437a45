/** Items on their way in: a job is invisible until `publishJob` runs in the transaction of its first event. */

/** $1 id, $2 command, $3 source, $4 dry run, $5–$8 requester, $9 reference, $10 sealed, $11 retry of, $12 now. */
export const insertJob = {
  name: 'bulk_insert_job',
  text: `INSERT INTO bulk_jobs (id, state, command, source, dry_run, requester_id, requester_kind, tool, scope,
      reference, sealed, retry_of, requested_at)
    VALUES ($1, 'staging', $2, $3, $4, $5, $6, $7, $8::text[], $9, $10, $11, $12::timestamptz)`,
} as const;

/** $1 job, $2 chunk, $3 first index, $4 items, $5 after chunk, $6 inputs. */
export const insertChunk = {
  name: 'bulk_insert_chunk',
  text: `INSERT INTO bulk_chunks (job_id, chunk, first_index, items, after_chunk, inputs)
    VALUES ($1, $2, $3, $4, $5, $6::json)`,
} as const;

export const touchJob = {
  name: 'bulk_touch_job',
  text: `UPDATE bulk_jobs SET touched_at = now() WHERE id = $1 AND state = 'staging'`,
} as const;

/** $1 job, $2 state, $3 total, $4 frozen at, $5 position, $6 counts where it has ended, $7 now. */
export const publishJob = {
  name: 'bulk_publish_job',
  text: `UPDATE bulk_jobs SET state = $2, total = $3, frozen_at = $4, position = $5, control_version = 1,
      counted = $6::json,
      started_at = CASE WHEN $6::json IS NULL THEN NULL ELSE $7::timestamptz END,
      finished_at = CASE WHEN $6::json IS NULL THEN NULL ELSE $7::timestamptz END
    WHERE id = $1 AND state = 'staging'`,
} as const;

/** $1 job, $2 how its upload was read. */
export const setReadAs = {
  name: 'bulk_set_read_as',
  text: `UPDATE bulk_jobs SET read_as = $2::json WHERE id = $1 AND state = 'staging'`,
} as const;

/** A job that was published meanwhile stays: only what never became one is dropped. */
export const dropStagedJob = {
  name: 'bulk_drop_staged_job',
  text: `DELETE FROM bulk_jobs WHERE id = $1 AND state = 'staging'`,
} as const;

/** Uploads whose process died: no sign of life for five minutes. */
export const dropDeadStaging = {
  name: 'bulk_drop_dead_staging',
  text: `DELETE FROM bulk_jobs WHERE state = 'staging' AND touched_at < now() - interval '5 minutes'`,
} as const;
