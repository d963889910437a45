/**
 * Searching the log. $1 after, $2 up to (inclusive), $3 stream, $4 actor, $5 type, $6 command, $7 limit;
 * NULL restricts nothing. Not prepared by name: with the values known, the planner drops the conditions
 * that are NULL and takes the index on streams where a stream is given.
 */
export const searchEvents = `
  SELECT position, id, stream, version, type, schema_version AS "schemaVersion", data, metadata,
         recorded_at AS "recordedAt"
  FROM events
  WHERE position > $1 AND position <= $2
    AND ($3::text IS NULL OR stream = $3)
    AND ($4::text IS NULL OR metadata -> 'actor' ->> 'id' = $4)
    AND ($5::text IS NULL OR type = $5)
    AND ($6::text IS NULL OR metadata ->> 'command' = $6)
  ORDER BY position LIMIT $7`;
