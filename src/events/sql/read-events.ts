/**
 * Reading the log. Every statement names its columns as the envelope does, so that a row is an event.
 */

const columns = `position, id, stream, version, type, schema_version AS "schemaVersion", data, metadata,
  recorded_at AS "recordedAt"`;

export const readHead = {
  name: 'read_head',
  text: 'SELECT position, recorded_at AS "recordedAt" FROM events ORDER BY position DESC LIMIT 1',
} as const;

/** $1 after, $2 up to (inclusive), $3 limit. */
export const readPage = {
  name: 'read_page',
  text: `SELECT ${columns} FROM events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3`,
} as const;

/** As `readPage`, data and metadata as their stored text. */
export const readTexts = {
  name: 'read_texts',
  text: readPage.text.replace('data, metadata', 'data::text AS data, metadata::text AS metadata'),
} as const;

const pageOfTypes = (selected: string): string =>
  `SELECT ${selected} FROM events WHERE position > $1 AND position <= $2 AND type = ANY ($4::text[])
    ORDER BY position LIMIT $3`;

/** As `readPage`, $4 the types wanted. */
export const readPageOfTypes = { name: 'read_page_of_types', text: pageOfTypes(columns) } as const;

/** The same, metadata as text. */
export const readUnreadPage = {
  name: 'read_unread_page',
  text: pageOfTypes(columns.replace('metadata', 'metadata::text AS metadata')),
} as const;

/** $1 positions. */
export const readAt = {
  name: 'read_at',
  text: `SELECT ${columns} FROM events WHERE position = ANY ($1::bigint[]) ORDER BY position`,
} as const;

/** $1 streams, $2 up to. By index on (stream, version) for each stream. */
export const readStreams = {
  name: 'read_streams',
  text: `SELECT ${columns} FROM events WHERE stream = ANY ($1::text[]) AND position <= $2 ORDER BY position`,
} as const;

/** $1 after, $2 ids: what became of events whose append was cut off; a bounded look at the newest part. */
export const findAppended = {
  name: 'find_appended',
  text: `SELECT id, position, version FROM events WHERE position > $1 AND id = ANY ($2::uuid[])`,
} as const;

export const positionAt = {
  name: 'position_at',
  text: 'SELECT position_at($1::timestamptz) AS position',
} as const;

/** Times are whole microseconds, so that "before" is "at the microsecond before". */
export const positionBefore = {
  name: 'position_before',
  text: "SELECT position_at($1::timestamptz - interval '1 microsecond') AS position",
} as const;
