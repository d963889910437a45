/**
 * Loads any number of streams in one round trip: for each its snapshot, where one of this state version
 * exists, and the events after it, a page at most. $1 streams, $2 the name of each one's folding, $3 its
 * state version, $4 null, or the version to go on after, without a snapshot; $5 events of a page; $6 whether
 * the folding wants to know more of an event than its data.
 */
export const loadStreams = {
  name: 'load_streams',
  text: `
    WITH wanted AS (
      SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $6::bool[]) WITH ORDINALITY
        AS w (stream, folding, state_version, after, whole, nth)
    ), base AS (
      SELECT w.nth, s.version, s.position, s.subject, s.sealed
      FROM wanted w JOIN stream_snapshots s USING (stream, folding, state_version) WHERE w.after IS NULL
    )
    SELECT nth, version, position, NULL AS type, NULL AS "schemaVersion", NULL::json AS data, subject, sealed,
      NULL::uuid AS id, NULL::timestamptz AS "recordedAt", NULL AS metadata
    FROM base
    UNION ALL
    SELECT w.nth, e.version, e.position, e.type, e.schema_version, e.data, NULL, NULL,
      e.id, e.recorded_at, e.metadata
    FROM wanted w LEFT JOIN base b USING (nth)
    CROSS JOIN LATERAL (
      SELECT version, position, type, schema_version, data, CASE WHEN w.whole THEN id END AS id,
        CASE WHEN w.whole THEN recorded_at END AS recorded_at, CASE WHEN w.whole THEN metadata::text END AS metadata
      FROM events
      WHERE stream = w.stream AND version > coalesce(w.after, b.version, 0) ORDER BY version LIMIT $5
    ) e
    ORDER BY 1, 2`,
} as const;

export interface LoadedRow {
  /** Index of the stream among those asked for, from 1. */
  readonly nth: number;
  readonly version: number;
  readonly position: number;
  /** null in the row of the snapshot. */
  readonly type: string | null;
  readonly schemaVersion: number | null;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly subject: string | null;
  readonly sealed: string | null;
  /** This and what follows: null unless the folding wants the whole event. */
  readonly id: string | null;
  readonly recordedAt: string | null;
  /** JSON text. */
  readonly metadata: string | null;
}

/**
 * $1 streams, $2 foldings, $3 state versions, $4 versions, $5 positions, $6 subjects, $7 sealed; none twice. A newer
 * one, or one of a newer state version, is kept.
 */
export const saveSnapshots = {
  name: 'save_snapshots',
  text: `INSERT INTO stream_snapshots AS s (stream, folding, state_version, version, position, subject, sealed)
    SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::text[], $7::text[])
    ON CONFLICT (stream, folding) DO UPDATE
      SET (state_version, version, position, subject, sealed) =
        (excluded.state_version, excluded.version, excluded.position, excluded.subject, excluded.sealed)
    WHERE (s.state_version, s.version) <= (excluded.state_version, excluded.version)`,
} as const;
