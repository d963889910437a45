/**
 * Events as their leaves are hashed over, column by column: a row an event costs the reader more than hashing it
 * does. JSON, as it is stored from `canonical_from` on and as `to_json` writes it, holds no line break.
 *
 * $1 after, $2 up to. One row: how many events there are, the first and the last position, and one line for each.
 */
export const selectStoredPage = {
  name: 'select_stored_page',
  text: `
    SELECT count(*)::int AS count, min(position) AS first, max(position) AS last,
      string_agg(id::text, E'\\n') AS ids, string_agg(to_json(stream)::text, E'\\n') AS streams,
      string_agg(version::text, E'\\n') AS versions, string_agg(to_json(type)::text, E'\\n') AS types,
      string_agg(schema_version::text, E'\\n') AS "schemaVersions",
      string_agg(recorded_at::text, E'\\n') AS times,
      string_agg(data::text, E'\\n') AS data, string_agg(metadata::text, E'\\n') AS metadata
    FROM (
      SELECT position, id, stream, version, type, schema_version, recorded_at, data, metadata
      FROM events WHERE position > $1 AND position <= $2 ORDER BY position
    ) events`,
} as const;

export interface StoredPage {
  readonly count: number;
  /** This and what follows: null where there is no event. */
  readonly first: number | null;
  readonly last: number | null;
  readonly ids: string | null;
  /** JSON strings. */
  readonly streams: string | null;
  readonly versions: string | null;
  /** JSON strings. */
  readonly types: string | null;
  readonly schemaVersions: string | null;
  readonly times: string | null;
  readonly data: string | null;
  readonly metadata: string | null;
}
