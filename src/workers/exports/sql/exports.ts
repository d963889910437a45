/** Exports: one row each, from acceptance until well after its file has gone. */

const columns = `id, projection, format, escape, fields, sealed, state, requester_id AS "requesterId",
  requester_kind AS "requesterKind", tool, scope, requested_at AS "requestedAt", started_at AS "startedAt",
  finished_at AS "finishedAt", expires_at AS "expiresAt", accepted_at AS "acceptedAt", position, total, rows,
  reached, file, bytes, sha256, salt, error, attempts`;

export interface ExportRow {
  readonly id: string;
  readonly projection: string;
  readonly format: string;
  readonly escape: string;
  readonly fields: readonly string[];
  readonly sealed: string;
  readonly state: string;
  readonly requesterId: string;
  readonly requesterKind: string;
  readonly tool: string;
  readonly scope: readonly string[] | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly expiresAt: string | null;
  readonly acceptedAt: number;
  readonly position: number | null;
  readonly total: number | null;
  readonly rows: number;
  readonly reached: unknown;
  readonly file: string | null;
  readonly bytes: number | null;
  readonly sha256: string | null;
  readonly salt: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly attempts: number;
}

/** $1 ids. */
export const selectExports = {
  name: 'exports_select',
  text: `SELECT ${columns} FROM exports WHERE id = ANY ($1::text[])`,
} as const;

/** $1 id: to be ended in this transaction, by one at a time. */
export const lockExport = {
  name: 'exports_lock',
  text: `SELECT ${columns} FROM exports WHERE id = $1 FOR UPDATE`,
} as const;

/** $1 requester or null, $2 states or null, $3 and $4 the last row before (its time and id) or null, $5 limit. */
export const listExports = {
  name: 'exports_list',
  text: `SELECT ${columns} FROM exports
    WHERE ($1::text IS NULL OR requester_id = $1) AND ($2::text[] IS NULL OR state = ANY ($2))
      AND ($3::timestamptz IS NULL OR (requested_at, id) < ($3, $4))
    ORDER BY requested_at DESC, id DESC LIMIT $5`,
} as const;

/** $1 requester: how many of theirs are not done. */
export const countUnfinished = {
  name: 'exports_count_unfinished',
  text: `SELECT count(*)::int AS count FROM exports WHERE requester_id = $1 AND state IN ('accepted', 'running')`,
} as const;

/** In the order of the parameters; $14 is the position that `asOf` came to, or null. */
export const insertExport = {
  name: 'exports_insert',
  text: `INSERT INTO exports (id, projection, format, escape, fields, sealed, state, requester_id, requester_kind,
      tool, scope, requested_at, accepted_at, reached, position)
    VALUES ($1, $2, $3, $4, $5, $6, 'accepted', $7, $8, $9, $10, $11, $12, $13, $14)`,
} as const;

/**
 * Those that nobody works on and the queue is not trusted to hold, the longest waiting first; from now on it is, for
 * $2 seconds. $1 at a time.
 */
export const takeUnqueued = {
  name: 'exports_take_unqueued',
  text: `
    WITH next AS (
      SELECT id, queued_until FROM exports
      WHERE state IN ('accepted', 'running') AND (lease_until IS NULL OR lease_until < clock_timestamp())
        AND (queued_until IS NULL OR queued_until < clock_timestamp())
      ORDER BY requested_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    UPDATE exports e SET queued_until = clock_timestamp() + make_interval(secs => $2)
    FROM next WHERE e.id = next.id
    RETURNING e.id, e.attempts, next.queued_until IS NOT NULL AS again`,
} as const;

/** $1 ids: the queue did not take them. */
export const giveBack = {
  name: 'exports_give_back',
  text: 'UPDATE exports SET queued_until = NULL WHERE id = ANY ($1::text[])',
} as const;

/** $1 id, $2 our lease, $3 seconds. Nothing comes back where it has ended, or somebody alive works on it. */
export const leaseExport = {
  name: 'exports_lease',
  text: `UPDATE exports SET lease = $2, lease_until = clock_timestamp() + make_interval(secs => $3),
      attempts = attempts + 1, queued_until = NULL, state = 'running', rows = 0,
      started_at = coalesce(started_at, clock_timestamp())
    WHERE id = $1 AND state IN ('accepted', 'running') AND (lease_until IS NULL OR lease_until < clock_timestamp())
    RETURNING ${columns}`,
} as const;

/** $1 id, $2 our lease, $3 seconds, $4 rows so far. Nothing: it is ours no more. */
export const renewExport = {
  name: 'exports_renew',
  text: `UPDATE exports SET lease_until = clock_timestamp() + make_interval(secs => $3), rows = $4
    WHERE id = $1 AND lease = $2 AND state = 'running' RETURNING 1`,
} as const;

/** $1 id, $2 our lease, $3 position. */
export const placeExport = {
  name: 'exports_place',
  text: `UPDATE exports SET position = $3 WHERE id = $1 AND lease = $2 AND state = 'running' RETURNING 1`,
} as const;

/** $1 id, $2 our lease, $3 total, $4 the rows that the requester reaches. */
export const countedExport = {
  name: 'exports_counted',
  text: `UPDATE exports SET total = $3, reached = $4 WHERE id = $1 AND lease = $2 AND state = 'running' RETURNING 1`,
} as const;

/** $1 id, $2 our lease, $3 seconds until it is queued again, $4 attempts that this one counts as (0 or 1). */
export const releaseExport = {
  name: 'exports_release',
  text: `UPDATE exports SET lease = NULL, lease_until = NULL, attempts = attempts - 1 + $4,
      queued_until = CASE WHEN $3::float8 > 0 THEN clock_timestamp() + make_interval(secs => $3) END
    WHERE id = $1 AND lease = $2 AND state = 'running'`,
} as const;

/** $1 id, $2 our lease, $3 rows, $4 bytes, $5 SHA-256, $6 salt, $7 file, $8 hours it is kept. Nothing: not ours. */
export const completeExport = {
  name: 'exports_complete',
  text: `UPDATE exports SET state = 'completed', rows = $3, total = $3, bytes = $4, sha256 = $5, salt = $6, file = $7,
      finished_at = clock_timestamp(), expires_at = clock_timestamp() + make_interval(hours => $8),
      lease = NULL, lease_until = NULL
    WHERE id = $1 AND lease = $2 AND state = 'running' RETURNING id`,
} as const;

/** $1 id, $2 state (failed, cancelled, expired), $3 error or null. */
export const endExport = {
  name: 'exports_end',
  text: `UPDATE exports SET state = $2, error = $3, file = NULL, sha256 = NULL, salt = NULL, lease = NULL, lease_until = NULL,
      queued_until = NULL, finished_at = coalesce(finished_at, clock_timestamp()),
      expires_at = CASE WHEN $2 = 'expired' THEN clock_timestamp() END
    WHERE id = $1`,
} as const;

/** $1 moment, $2 at most. */
export const selectExpired = {
  name: 'exports_select_expired',
  text: `SELECT id FROM exports WHERE state = 'completed' AND expires_at <= $1 ORDER BY expires_at LIMIT $2`,
} as const;

/** $1 projection, $2 fields: those that hold one of them or are to. */
export const selectHolding = {
  name: 'exports_select_holding',
  text: `SELECT id FROM exports WHERE state IN ('accepted', 'running', 'completed') AND projection = $1
    AND fields && $2::text[] ORDER BY requested_at`,
} as const;

/** $1 at most: those that ended, and of which something may be left. */
export const selectUncleared = {
  name: 'exports_select_uncleared',
  text: `SELECT id FROM exports WHERE state IN ('failed', 'cancelled', 'expired') AND NOT cleared
    ORDER BY finished_at LIMIT $1`,
} as const;

/** $1 id: nothing of it is left. */
export const clearedExport = {
  name: 'exports_cleared',
  text: 'UPDATE exports SET cleared = true WHERE id = $1',
} as const;

/** $1 moment: rows of exports that ended before it, of which nothing is left. The log keeps what happened. */
export const forgetExports = {
  name: 'exports_forget',
  text: `DELETE FROM exports WHERE state IN ('failed', 'cancelled', 'expired') AND cleared AND finished_at < $1`,
} as const;
