/** What became of a job's items. An item's index says its chunk, so a page starts at a chunk, not at a scan. */

/** $1 job, $2 outcome or null, $3 first chunk, $4 chunks at most. Chunks without such items are skipped. */
export const selectDecidedChunks = {
  name: 'bulk_select_decided_chunks',
  text: `
    SELECT c.chunk, c.first_index AS "firstIndex",
      coalesce((SELECT json_agg(r.outcomes ORDER BY r.round) FROM bulk_rounds r
        WHERE r.job_id = c.job_id AND r.chunk = c.chunk), '[]'::json) AS rounds,
      CASE WHEN c.cancelled > 0 AND coalesce($2, 'cancelled') = 'cancelled' THEN c.inputs END AS inputs
    FROM bulk_chunks c
    WHERE c.job_id = $1 AND c.chunk >= $3 AND CASE $2::text
      WHEN 'succeeded' THEN succeeded WHEN 'unchanged' THEN unchanged WHEN 'rejected' THEN rejected
      WHEN 'failed' THEN failed WHEN 'skipped' THEN skipped WHEN 'cancelled' THEN cancelled
      ELSE succeeded + unchanged + rejected + failed + skipped + cancelled END > 0
    ORDER BY c.chunk LIMIT $4`,
} as const;

export interface DecidedChunkRow {
  readonly chunk: number;
  readonly firstIndex: number;
  readonly rounds: readonly (readonly unknown[])[];
  readonly inputs: readonly unknown[] | null;
}

/** $1 job, $2 first chunk, $3 chunks at most, $4 outcomes: failed, rejected. Inputs and what became of them. */
export const selectChunksWith = {
  name: 'bulk_select_chunks_with',
  text: `
    SELECT c.chunk, c.first_index AS "firstIndex", c.inputs,
      (SELECT json_agg(r.outcomes ORDER BY r.round) FROM bulk_rounds r
        WHERE r.job_id = c.job_id AND r.chunk = c.chunk) AS rounds
    FROM bulk_chunks c WHERE c.job_id = $1 AND c.chunk >= $2
      AND ('failed' = ANY ($4::text[]) AND c.failed > 0 OR 'rejected' = ANY ($4::text[]) AND c.rejected > 0)
    ORDER BY c.chunk LIMIT $3`,
} as const;
