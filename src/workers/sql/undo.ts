/** What a job did, from its end to its beginning. */

/** $1 job, $2 the chunk to stop before (null: none), $3 chunks at most: those in which something succeeded. */
export const selectDoneBackwards = {
  name: 'bulk_select_done_backwards',
  text: `
    SELECT c.chunk, c.first_index AS "firstIndex", c.inputs,
      (SELECT json_agg(r.outcomes ORDER BY r.round) FROM bulk_rounds r
        WHERE r.job_id = c.job_id AND r.chunk = c.chunk) AS rounds
    FROM bulk_chunks c WHERE c.job_id = $1 AND c.chunk < coalesce($2, 2147483647) AND c.succeeded > 0
    ORDER BY c.chunk DESC LIMIT $3`,
} as const;
