/** Previews: what the rounds of a dry run add up to. */

/** $1 job, $2 chunk, $3 round, $4 events, $5 codes, $6 sample or null; in the round's own transaction. */
export const writePreview = {
  name: 'bulk_write_preview',
  text: `INSERT INTO bulk_previews (job_id, chunk, round, events, codes, sample)
    VALUES ($1, $2, $3, $4::json, $5::json, $6::json)`,
} as const;

/** $1 job. Types of events, the most frequent first. */
export const sumEvents = {
  name: 'bulk_sum_preview_events',
  text: `SELECT e ->> 0 AS type, sum((e ->> 1)::int)::int AS count
    FROM bulk_previews CROSS JOIN LATERAL json_array_elements(events) AS e WHERE job_id = $1
    GROUP BY 1 ORDER BY 2 DESC, 1`,
} as const;

/** $1 job. */
export const sumCodes = {
  name: 'bulk_sum_preview_codes',
  text: `SELECT c ->> 0 AS outcome, c ->> 1 AS code, sum((c ->> 2)::int)::int AS count
    FROM bulk_previews CROSS JOIN LATERAL json_array_elements(codes) AS c WHERE job_id = $1
    GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2`,
} as const;

/** $1 job, $2 items at most. Spread over the whole job: chunks in an order of no meaning, always the same. */
export const selectSample = {
  name: 'bulk_select_preview_sample',
  text: `SELECT s AS item FROM (
      SELECT sample, chunk, round FROM bulk_previews WHERE job_id = $1 AND sample IS NOT NULL
      ORDER BY hashint4(chunk), round LIMIT $2
    ) r CROSS JOIN LATERAL json_array_elements(r.sample) AS s
    ORDER BY hashint4(r.chunk), r.round, (s ->> 'x')::int LIMIT $2`,
} as const;

/** $1 job, $2 first chunk, $3 chunks at most: items as they were frozen, and what was decided about them. */
export const selectDecidedItems = {
  name: 'bulk_select_decided_items',
  text: `
    SELECT c.chunk, c.first_index AS "firstIndex", c.inputs,
      coalesce((SELECT json_agg(r.outcomes ORDER BY r.round) FROM bulk_rounds r
        WHERE r.job_id = c.job_id AND r.chunk = c.chunk), '[]'::json) AS rounds
    FROM bulk_chunks c WHERE c.job_id = $1 AND c.chunk >= $2 ORDER BY c.chunk LIMIT $3`,
} as const;

export interface DecidedItemsRow {
  readonly chunk: number;
  readonly firstIndex: number;
  readonly inputs: readonly unknown[];
  readonly rounds: readonly (readonly unknown[])[];
}

/** $1 job, $2 the dry run it runs or null, $3 the job it undoes or null. */
export const setOrigin = {
  name: 'bulk_set_origin',
  text: 'UPDATE bulk_jobs SET from_job = $2, undo_of = $3 WHERE id = $1',
} as const;

/**
 * Streams $1 to which events were added after version $2 (up to $3, where they were looked at) by anybody but
 * the jobs $4; the answer is their places in the list, from 1.
 */
export const selectTouched = {
  name: 'bulk_select_touched',
  text: `SELECT w.nth::int AS nth FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS w (stream, since, upto, nth)
    WHERE EXISTS (
      SELECT FROM events e WHERE e.stream = w.stream AND e.version > w.since AND e.version <= w.upto
        AND coalesce(e.metadata ->> 'bulkJobId', '') <> ALL ($4::text[]))`,
} as const;
