/** Retries of a job, their own retries, and those of the job that it is itself a retry of: one family. */

/** $1 a job: the family by age, without dry runs; the first one is the job that all others go back to. */
export const selectFamily = {
  name: 'bulk_select_family',
  text: `
    WITH RECURSIVE before AS (
      SELECT id, retry_of, 0 AS steps FROM bulk_jobs WHERE id = $1
      UNION ALL SELECT j.id, j.retry_of, steps + 1 FROM before JOIN bulk_jobs j ON j.id = before.retry_of
    ), family AS (
      SELECT id, 0 AS steps FROM (SELECT id FROM before ORDER BY steps DESC LIMIT 1) first
      UNION ALL SELECT j.id, steps + 1 FROM family JOIN bulk_jobs j ON j.retry_of = family.id
        WHERE j.state <> 'staging' AND NOT j.dry_run
    )
    SELECT id, total FROM family JOIN bulk_jobs USING (id) ORDER BY steps, id`,
} as const;

export interface FamilyRow {
  readonly id: string;
  readonly total: number;
}

/**
 * $1 job, $2 first chunk, $3 chunks at most: which items of the first job it changed or found as wanted, or has still
 * to decide. What failed or was rejected in it may be tried elsewhere.
 */
export const selectTaken = {
  name: 'bulk_select_taken',
  text: `
    SELECT c.chunk, coalesce(t.taken, '{}') AS taken FROM bulk_chunks c CROSS JOIN LATERAL (
      SELECT array_agg((i.item ->> 'r')::int) AS taken
      FROM json_array_elements(c.inputs) WITH ORDINALITY AS i (item, nth)
      LEFT JOIN (
        SELECT (o ->> 'x')::int AS index, o ->> 'o' AS outcome
        FROM bulk_rounds r CROSS JOIN LATERAL json_array_elements(r.outcomes) AS o
        WHERE r.job_id = c.job_id AND r.chunk = c.chunk
      ) decided ON decided.index = c.first_index + i.nth - 1
      WHERE i.item ->> 'r' IS NOT NULL AND CASE WHEN decided.outcome IS NULL THEN c.state = 'pending'
        ELSE decided.outcome IN ('succeeded', 'unchanged') END
    ) t
    WHERE c.job_id = $1 AND c.chunk >= $2 ORDER BY c.chunk LIMIT $3`,
} as const;

export interface TakenRow {
  readonly chunk: number;
  readonly taken: readonly number[];
}
