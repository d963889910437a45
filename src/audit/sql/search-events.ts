/** Reading the log for an auditor, by position or along one stream, in either direction. */
const columns = `position, id, stream, version, type, schema_version AS "schemaVersion", data, metadata,
         recorded_at AS "recordedAt"`;

const throughLog = (direction: 'ASC' | 'DESC'): string =>
  `SELECT ${columns} FROM events WHERE position > $1 AND position <= $2 ORDER BY position ${direction} LIMIT $3`;

/** $1 after, $2 up to (inclusive), $3 limit. By the primary key. */
export const readLog = {
  oldest: { name: 'audit_log', text: throughLog('ASC') },
  newest: { name: 'audit_log_newest', text: throughLog('DESC') },
} as const;

const throughStream = (compared: string, direction: 'ASC' | 'DESC'): string =>
  `SELECT ${columns} FROM events
    WHERE stream = $4 AND ($5::int IS NULL OR version ${compared} $5) AND position > $1 AND position <= $2
    ORDER BY version ${direction} LIMIT $3`;

/**
 * As `readLog`, then $4 stream, $5 null or the version to begin behind. Versions grow with positions; ordered by
 * version, the index on (stream, version) answers, while ordered by position a small LIMIT would make the
 * planner look through the log itself for a stream that has few events. Not prepared by name: with the values
 * known, the planner drops the condition that is NULL.
 */
export const readStream = {
  oldest: throughStream('>', 'ASC'),
  newest: throughStream('<', 'DESC'),
} as const;

const atPositions = (direction: 'ASC' | 'DESC'): string =>
  `SELECT ${columns} FROM events WHERE position = ANY ($1::bigint[]) ORDER BY position ${direction}`;

/** $1 positions. */
export const readPositions = {
  oldest: { name: 'audit_positions', text: atPositions('ASC') },
  newest: { name: 'audit_positions_newest', text: atPositions('DESC') },
} as const;
