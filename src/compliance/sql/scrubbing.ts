/**
 * Copies of a subject's data outside the log and the read models, by kind. All of it is ciphertext under the key that
 * is gone, or dies by itself; it is removed all the same, so that nothing hangs on the key alone.
 */

/** $1 subject. Each says how many rows it changed, and a second time none. */
export const scrubBySubject = {
  streamSnapshots: 'DELETE FROM stream_snapshots WHERE subject = $1',
  reactorErrors: 'UPDATE reactor_deliveries SET error = NULL, error_subject = NULL WHERE error_subject = $1',
  differences: `UPDATE reconciliation_differences SET sealed = '' WHERE subject = $1 AND sealed <> ''`,
  bulkJobs: `UPDATE bulk_jobs SET sealed = '' WHERE requester_id = $1 AND sealed <> ''`,
  toolGrants: 'DELETE FROM oidc_records WHERE person_id = $1',
  sessions: 'DELETE FROM sessions WHERE person_id = $1',
  directoryEntries: 'DELETE FROM scim_users WHERE person_id = $1',
  people: `UPDATE people SET name_id_sealed = '', email_sealed = NULL, name_sealed = NULL, groups = '{}',
      attributes = '{}', active = false, folded_hash = NULL
    WHERE id = $1 AND (name_id_sealed <> '' OR email_sealed IS NOT NULL OR name_sealed IS NOT NULL OR active)`,
} as const;

/**
 * Sealed fields as `JSON.stringify` writes them. $1 subject as JSON text, $2 job, $3 chunk, after which to go on,
 * $4 how many chunks to look through. Answers where it ended and how many chunks it changed.
 */
const blanked = (column: string): string =>
  `regexp_replace(${column}::text, '("\\$personal":' || regexp_replace($1, '([^A-Za-z0-9])', '\\\\\\1', 'g') || ',"sealed":)"[^"]*"', '\\1null', 'g')::json`;

export const scrubInputs = {
  name: 'scrub_bulk_inputs',
  text: `WITH page AS (
      SELECT job_id, chunk FROM bulk_chunks WHERE (job_id, chunk) > ($2, $3) ORDER BY job_id, chunk LIMIT $4
    ), changed AS (
      UPDATE bulk_chunks c SET inputs = ${blanked('c.inputs')} FROM page p
      WHERE c.job_id = p.job_id AND c.chunk = p.chunk
        AND position('"$personal":' || $1 || ',"sealed":"' IN c.inputs::text) > 0 RETURNING 1
    )
    SELECT (SELECT count(*) FROM changed)::integer AS changed,
      (SELECT job_id FROM page ORDER BY job_id DESC, chunk DESC LIMIT 1) AS job,
      (SELECT chunk FROM page ORDER BY job_id DESC, chunk DESC LIMIT 1) AS chunk`,
} as const;

export const scrubPreviews = {
  name: 'scrub_bulk_previews',
  text: `WITH page AS (
      SELECT DISTINCT job_id, chunk FROM bulk_previews WHERE (job_id, chunk) > ($2, $3) ORDER BY job_id, chunk LIMIT $4
    ), changed AS (
      UPDATE bulk_previews c SET sample = ${blanked('c.sample')} FROM page p
      WHERE c.job_id = p.job_id AND c.chunk = p.chunk
        AND position('"$personal":' || $1 || ',"sealed":"' IN c.sample::text) > 0 RETURNING 1
    )
    SELECT (SELECT count(*) FROM changed)::integer AS changed,
      (SELECT job_id FROM page ORDER BY job_id DESC, chunk DESC LIMIT 1) AS job,
      (SELECT chunk FROM page ORDER BY job_id DESC, chunk DESC LIMIT 1) AS chunk`,
} as const;

export interface PageRow {
  readonly changed: number;
  readonly job: string | null;
  readonly chunk: number | null;
}
