/** Events as the JSON text of their stored form, put together where they lie: nothing of them is parsed. */

/** $1 after, $2 up to. The text is null where the event's data lies in the archive. */
export const selectStoredLines = {
  name: 'select_stored_lines',
  rowMode: 'array',
  text: `SELECT position, '{"position":' || position || ',"id":"' || id || '","stream":' || to_json(stream)
      || ',"version":' || version || ',"type":' || to_json(type) || ',"schemaVersion":' || schema_version
      || ',"recordedAt":"' || to_char(recorded_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
      || '","data":' || nullif(data::text, 'null') || ',"metadata":' || metadata::text || '}'
    FROM events WHERE position > $1 AND position <= $2 ORDER BY position`,
} as const;

export type StoredLine = [position: number, stored: string | null];
