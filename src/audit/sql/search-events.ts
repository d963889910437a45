/**
 * Searching the log, by position or along one stream. NULL restricts nothing. Neither is prepared by
 * name: with the values known, the planner drops the conditions that are NULL.
 */

const columns = `position, id, stream, version, type, schema_version AS "schemaVersion", data, metadata,
         recorded_at AS "recordedAt"`;

const matching = `position > $1 AND position <= $2
    AND ($3::text IS NULL OR metadata -> 'actor' ->> 'id' = $3)
    AND ($4::text IS NULL OR type = $4)
    AND ($5::text IS NULL OR metadata ->> 'command' = $5)`;

/** $1 after, $2 up to (inclusive), $3 actor, $4 type, $5 command, $6 limit. By the primary key. */
export const searchLog = `
  SELECT ${columns} FROM events WHERE ${matching} ORDER BY position LIMIT $6`;

export const searchLogBackwards = `
  SELECT ${columns} FROM events WHERE ${matching} ORDER BY position DESC LIMIT $6`;

/**
 * As `searchLog`, then $7 stream, $8 the version to begin behind. Versions grow with positions; ordered by
 * version, the index on (stream, version) answers, while ordered by position a small LIMIT would make the
 * planner look through the log itself for a stream that has few events.
 */
export const searchStream = `
  SELECT ${columns} FROM events
  WHERE stream = $7 AND version > $8 AND ${matching} ORDER BY version LIMIT $6`;

/** $8: the version to begin before. */
export const searchStreamBackwards = `
  SELECT ${columns} FROM events
  WHERE stream = $7 AND version < $8 AND ${matching} ORDER BY version DESC LIMIT $6`;
