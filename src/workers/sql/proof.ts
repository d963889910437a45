/** What the log holds of one job, a window of positions at a time: there is no index by job, and none is needed. */

/** $1 the job's control stream. */
export const selectAccepted = {
  name: 'bulk_select_accepted',
  text: 'SELECT position FROM events WHERE stream = $1 AND version = 1',
} as const;

/**
 * $1 after, $2 up to (inclusive), $3 job, $4 its two streams: their events with data, and all that name the job in
 * their metadata without. The first row says how many events of any kind the window holds. Data that lies
 * in the archive is null.
 */
export const selectJobEvents = {
  name: 'bulk_select_job_events',
  text: `
    WITH looked AS MATERIALIZED (
      SELECT position, stream, version, type, CASE WHEN stream = ANY ($4::text[]) THEN data END AS data,
        metadata ->> 'bulkJobId' = $3 OR stream = ANY ($4::text[]) AS own
      FROM events WHERE position > $1 AND position <= $2
    )
    SELECT count(*)::int AS position, NULL AS stream, NULL AS version, NULL AS type, NULL::json AS data FROM looked
    UNION ALL
    SELECT * FROM (SELECT position, stream, version, type, data FROM looked WHERE own ORDER BY position) found`,
} as const;
