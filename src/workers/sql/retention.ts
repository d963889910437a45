/** Reducing ended jobs to their totals, a bounded part at a time. */

/** $1 jobs that ended before, $2 now, $3 how many: from here on their results are answered no more. */
export const expireResults = {
  name: 'bulk_expire_results',
  text: `UPDATE bulk_jobs SET results_expired_at = $2::timestamptz WHERE id IN (
      SELECT id FROM bulk_jobs WHERE finished_at < $1::timestamptz AND finished_at IS NOT NULL AND NOT reduced
        AND results_expired_at IS NULL ORDER BY finished_at LIMIT $3)`,
} as const;

/** $1 how many chunks; their rounds go with them. */
export const dropExpiredChunks = {
  name: 'bulk_drop_expired_chunks',
  text: `DELETE FROM bulk_chunks c USING (
      SELECT b.job_id, b.chunk FROM bulk_jobs j JOIN bulk_chunks b ON b.job_id = j.id
      WHERE j.finished_at IS NOT NULL AND NOT j.reduced AND j.results_expired_at IS NOT NULL LIMIT $1
    ) gone WHERE c.job_id = gone.job_id AND c.chunk = gone.chunk`,
} as const;

/** Those of which nothing is left but their totals. */
export const markReduced = {
  name: 'bulk_mark_reduced',
  text: `UPDATE bulk_jobs j SET reduced = true
    WHERE finished_at IS NOT NULL AND NOT reduced AND results_expired_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM bulk_chunks c WHERE c.job_id = j.id)`,
} as const;
