/** The audit index: its checkpoint, postings of whole segments, and rows of what came since. */

export interface IndexRow {
  readonly version: number;
  /** The checkpoint. */
  readonly position: number;
  /** Whole segments that stand in postings. */
  readonly segments: number;
  /** How often words were removed for somebody who was erased. */
  readonly forgotten: number;
  readonly error: string | null;
  /** Seconds since the checkpoint moved. */
  readonly idleSeconds: number;
}

const row = `version, position, segments, forgotten, error,
  extract(epoch FROM clock_timestamp() - updated_at)::float8 AS "idleSeconds"`;

export const readIndex = { name: 'audit_index_read', text: `SELECT ${row} FROM audit_index` } as const;

/** $1 version. Nothing where there is one. */
export const makeIndex = {
  text: 'INSERT INTO audit_index (version) VALUES ($1) ON CONFLICT DO NOTHING',
} as const;

/**
 * Held until the transaction ends: the right to write the index. It need not wait for the disk: rows and
 * checkpoint are lost together, if they are, and made again from the log.
 */
export const lockIndex = {
  name: 'audit_index_lock',
  text: `SELECT ${row}, set_config('synchronous_commit', 'off', true) FROM audit_index FOR UPDATE`,
} as const;

/** The same right, for what must not be lost once it is done. */
export const holdIndex = {
  name: 'audit_index_hold',
  text: `SELECT ${row} FROM audit_index FOR UPDATE`,
} as const;

/** To be told, before it is removed, to those who remember it. */
export const countForgotten = { text: 'UPDATE audit_index SET forgotten = forgotten + 1' } as const;

/** $1 position, $2 whole segments. */
export const moveIndex = {
  name: 'audit_index_move',
  text: 'UPDATE audit_index SET position = $1, segments = $2, error = NULL, updated_at = now()',
} as const;

/** $1 version: from the beginning. */
export const resetIndex = {
  text: 'UPDATE audit_index SET version = $1, position = 0, segments = 0, error = NULL, updated_at = now()',
} as const;

/** $1 why it stopped. */
export const failIndex = { text: 'UPDATE audit_index SET error = $1, updated_at = now()' } as const;

export const emptyTables = [
  'DELETE FROM audit_postings',
  'DELETE FROM audit_words',
  'DELETE FROM audit_fresh',
] as const;

/** For this transaction: emptying the index of a long log takes its time. */
export const withoutTimeout = "SELECT set_config('statement_timeout', '0', true)";

/** $1 segment, $2 keys, $3 postings. */
const insertInto = (table: string) =>
  ({
    name: `${table}_insert`,
    text: `INSERT INTO ${table} (segment, key, postings)
      SELECT $1, * FROM unnest($2::bigint[], $3::bytea[]) ORDER BY 2`,
  }) as const;

export const insertPostings = insertInto('audit_postings');
export const insertWords = insertInto('audit_words');

/** $1 positions; $2 tokens, packed, and $3 where those of each end; $4 and $5 the same of words. */
export const insertFresh = {
  name: 'audit_fresh_insert',
  text: `INSERT INTO audit_fresh (position, tokens, words)
    SELECT position, substring($2::bytea FROM tokens_begin + 1 FOR tokens_end - tokens_begin),
      substring($4::bytea FROM words_begin + 1 FOR words_end - words_begin)
    FROM (
      SELECT position, tokens_end, lag(tokens_end, 1, 0) OVER (ORDER BY nth) AS tokens_begin,
        words_end, lag(words_end, 1, 0) OVER (ORDER BY nth) AS words_begin
      FROM unnest($1::bigint[], $3::int[], $5::int[]) WITH ORDINALITY AS t (position, tokens_end, words_end, nth)
    ) cut`,
} as const;

export interface FreshRow {
  readonly position: number;
  /** Packed. */
  readonly tokens: Buffer;
  readonly words: Buffer;
}

export const readFresh = {
  name: 'audit_fresh_read',
  text: 'SELECT position, tokens, words FROM audit_fresh ORDER BY position',
} as const;

export const clearFresh = { name: 'audit_fresh_clear', text: 'DELETE FROM audit_fresh' } as const;

/**
 * $1 keys, $2 from and $3 to (exclusive) segment. Beside each row, and in one of its own where there is none, how
 * many whole segments there are at that moment: an index that was thrown away must not look like one without them.
 */
const selectFrom = (table: string) =>
  ({
    name: `${table}_select`,
    text: `SELECT i.segments, p.key, p.segment, p.postings FROM audit_index i
      LEFT JOIN ${table} p ON p.key = ANY ($1::bigint[]) AND p.segment >= $2 AND p.segment < $3`,
  }) as const;

export interface SegmentRow {
  readonly segments: number;
  /** null in a row that only tells of the segments. */
  readonly key: number | null;
  readonly segment: number;
  readonly postings: Buffer;
}

export const selectPostings = selectFrom('audit_postings');
export const selectWords = selectFrom('audit_words');

/** Whether the bytes of every one of them are in the column. */
const hasAll = (parameter: string, column: string): string =>
  `NOT EXISTS (SELECT FROM unnest(${parameter}::bytea[]) AS asked WHERE position(asked IN f.${column}) = 0)`;

/**
 * $1 after, $2 up to, $3 tokens, $4 words, each packed: positions of fresh rows that have all of them, beside how
 * many whole segments there were at that moment.
 */
export const searchFresh = {
  name: 'audit_fresh_search',
  text: `SELECT i.segments, i.position AS indexed, ARRAY(
      SELECT f.position FROM audit_fresh f
      WHERE f.position > $1 AND f.position <= $2 AND ${hasAll('$3', 'tokens')} AND ${hasAll('$4', 'words')}
      ORDER BY f.position) AS found
    FROM audit_index i`,
} as const;

/** $1 segment. */
export const wordsOfSegment = {
  name: 'audit_words_of_segment',
  text: 'SELECT key, postings FROM audit_words WHERE segment = $1',
} as const;

/** $1 segment, $2 keys, $3 postings. */
export const replaceWords = {
  text: `UPDATE audit_words w SET postings = n.postings FROM unnest($2::bigint[], $3::bytea[]) AS n (key, postings)
    WHERE w.segment = $1 AND w.key = n.key`,
} as const;

/** $1 segment, $2 keys. */
export const removeWords = {
  text: 'DELETE FROM audit_words WHERE segment = $1 AND key = ANY ($2::bigint[])',
} as const;

/** $1 the token of an actor, packed. */
export const clearFreshWords = {
  text: "UPDATE audit_fresh SET words = '' WHERE position($1::bytea IN tokens) > 0 AND words <> ''",
} as const;

/** $1 position: how many seconds ago the event behind it was recorded. */
export const waitingSeconds = {
  name: 'audit_index_waiting',
  text: `SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 AS seconds
    FROM events WHERE position = $1 + 1`,
} as const;
