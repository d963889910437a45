/** The tree as it is kept: tiles, checkpoints, and the keys that signed them. */

/** $1 levels, $2 indexes. */
export const selectTiles = {
  name: 'select_log_tiles',
  text: `SELECT t.level, t.index, t.hashes FROM unnest($1::smallint[], $2::bigint[]) AS w (level, index)
    JOIN log_tiles t USING (level, index)`,
} as const;

const checkpoint = 'size, origin, root, note, signed_at AS "signedAt"';

export const selectLatest = {
  name: 'select_latest_checkpoint',
  text: `SELECT ${checkpoint} FROM log_checkpoints ORDER BY size DESC LIMIT 1`,
} as const;

/** So that of two sealers one waits, and then sees how far the other came. */
export const lockTree = {
  name: 'lock_log_tree',
  text: 'SELECT pg_advisory_xact_lock(7400, 9)',
} as const;

/** $1 levels, $2 indexes, $3 hashes. */
export const writeTiles = {
  name: 'write_log_tiles',
  text: `INSERT INTO log_tiles (level, index, hashes)
    SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
    ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes`,
} as const;

/** $1 size, $2 origin, $3 root, $4 note, $5 signed at. */
export const insertCheckpoint = {
  name: 'insert_log_checkpoint',
  text: `INSERT INTO log_checkpoints (size, origin, root, note, signed_at)
    VALUES ($1, $2, $3, $4, $5::timestamptz)
    ON CONFLICT (size) DO UPDATE SET origin = excluded.origin, root = excluded.root, note = excluded.note,
      signed_at = excluded.signed_at`,
} as const;

/** $1 a moment: of what was signed before it, the last of each hour stays. */
export const thinCheckpoints = {
  name: 'thin_log_checkpoints',
  text: `DELETE FROM log_checkpoints c WHERE c.signed_at < $1::timestamptz AND EXISTS (
    SELECT FROM log_checkpoints later WHERE later.size > c.size
      AND date_trunc('hour', later.signed_at) = date_trunc('hour', c.signed_at))`,
} as const;

export const selectKeys = {
  name: 'select_log_keys',
  text: 'SELECT vkey, first_size AS "firstSize" FROM log_keys ORDER BY nth DESC',
} as const;

/** $1 verifier key, $2 size of the tree when it came into use; no row where it is known already. */
export const insertKey = {
  name: 'insert_log_key',
  text: `INSERT INTO log_keys (vkey, first_size) VALUES ($1, $2) ON CONFLICT (vkey) DO NOTHING RETURNING vkey`,
} as const;

export const selectLogId = {
  name: 'select_log_id',
  text: 'SELECT id, canonical_from AS "canonicalFrom" FROM log_identity',
} as const;
