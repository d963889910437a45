/**
 * The catalogue of read models: one row a table, with its checkpoint. A statement that moves a checkpoint
 * demands where it stood before, so that two processes can never both fold the same events.
 */

/** A row of the catalogue. */
export interface TableRow {
  readonly id: number;
  readonly name: string;
  readonly version: number;
  readonly shapeHash: string;
  readonly columns: readonly {
    readonly name: string;
    readonly kind: string;
    readonly required: boolean;
  }[];
  readonly tableName: string;
  readonly state: 'building' | 'live' | 'retired' | 'snapshot';
  readonly position: number;
  readonly upTo: number | null;
  readonly error: string | null;
}

const row = `id, name, version, shape_hash AS "shapeHash", columns, table_name AS "tableName", state, position,
  up_to AS "upTo", error`;

export const readTables = {
  name: 'projection_tables',
  text: `SELECT ${row} FROM projections WHERE state IN ('live', 'building')`,
} as const;

/** $1 name. */
export const readLiveTable = {
  name: 'projection_live_table',
  text: `SELECT ${row} FROM projections WHERE name = $1 AND state = 'live'`,
} as const;

/** $1 name, $2 version, $3 shape hash, $4 columns. */
export const insertBuilding = {
  text: `INSERT INTO projections (name, version, shape_hash, columns, state) VALUES ($1, $2, $3, $4, 'building')
    RETURNING ${row}`,
} as const;

/** $1 name, $2 version, $3 shape hash, $4 columns, $5 up to. Nothing comes back where it exists. */
export const insertSnapshot = {
  text: `INSERT INTO projections (name, version, shape_hash, columns, state, up_to)
    VALUES ($1, $2, $3, $4, 'snapshot', $5) ON CONFLICT DO NOTHING RETURNING ${row}`,
} as const;

/** $1 name, $2 version, $3 shape hash, $4 up to. Using it keeps it. */
export const useSnapshot = {
  text: `UPDATE projections SET last_used_at = now()
    WHERE name = $1 AND version = $2 AND shape_hash = $3 AND up_to = $4 AND state = 'snapshot'
    RETURNING ${row}, extract(epoch FROM now() - updated_at)::float8 AS "idleSeconds"`,
} as const;

/** Whether a name holds the moment: such tables are kept until it lets go, and take nobody's room. */
const isNamed = 'EXISTS (SELECT FROM named_snapshots n WHERE n.position = up_to)';

export const countSnapshots = {
  text: `SELECT count(*)::int AS count FROM projections WHERE state = 'snapshot' AND NOT ${isNamed}`,
} as const;

/** $1 id, $2 position. Made as a whole at that position. */
export const placeSnapshot = {
  text: 'UPDATE projections SET position = $2, updated_at = now() WHERE id = $1',
} as const;

/** $1 seconds unused after which one goes, $2 how many may stay, $3 seconds unused before one makes room. */
export const lockExpiredSnapshots = {
  text: `SELECT id, table_name AS "tableName" FROM projections
    WHERE state = 'snapshot' AND NOT ${isNamed} AND (
      last_used_at < now() - make_interval(secs => $1)
      OR (last_used_at < now() - make_interval(secs => $3)
          AND id NOT IN (SELECT id FROM projections WHERE state = 'snapshot' AND NOT ${isNamed}
            ORDER BY last_used_at DESC LIMIT $2)))
    FOR UPDATE SKIP LOCKED`,
} as const;

/** $1 seconds. Retired tables are kept for a while, for readers that are still at it. */
export const lockRetired = {
  text: `SELECT id, table_name AS "tableName" FROM projections
    WHERE state = 'retired' AND updated_at < now() - make_interval(secs => $1) FOR UPDATE SKIP LOCKED`,
} as const;

/** $1 ids. */
export const deleteTables = { text: 'DELETE FROM projections WHERE id = ANY ($1::bigint[])' } as const;

/**
 * $1 ids. Where the checkpoints stand, locked until the end of the transaction; holding them is the right
 * to write rows of these tables. The transaction need not
 * wait for the disk: rows and checkpoint are lost together, if they are, and folded again from the log.
 */
export const lockCheckpoints = {
  name: 'projection_lock_checkpoints',
  text: `SELECT id, position, state, set_config('synchronous_commit', 'off', true) FROM projections
    WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE`,
} as const;

/** $1 ids, $2 position. */
export const moveCheckpoints = {
  name: 'projection_move_checkpoints',
  text: `UPDATE projections SET position = $2, updated_at = now(), error = NULL WHERE id = ANY ($1::bigint[])`,
} as const;

/** $1 id, $2 why; null clears it. */
export const setError = {
  text: 'UPDATE projections SET error = $2, updated_at = now() WHERE id = $1',
} as const;

/** $1 name: whatever answers now, and $2 what shall. One transaction. */
export const retireLive = {
  text: `UPDATE projections SET state = 'retired', updated_at = now() WHERE name = $1 AND state = 'live'`,
} as const;

/** $1 id. */
export const goLive = {
  text: `UPDATE projections SET state = 'live', updated_at = now() WHERE id = $1 AND state = 'building'`,
} as const;

/** $1 id: a table that was being built for a definition nobody has any more. */
export const retireBuilding = {
  text: `UPDATE projections SET state = 'retired', updated_at = now() WHERE id = $1 AND state = 'building'`,
} as const;

export interface StandingRow extends TableRow {
  /** Seconds since the checkpoint moved. */
  readonly idleSeconds: number;
}

export const readStandings = {
  name: 'projection_standings',
  text: `SELECT ${row}, extract(epoch FROM clock_timestamp() - updated_at)::float8 AS "idleSeconds"
    FROM projections WHERE state IN ('live', 'building')`,
} as const;

export const readLivePositions = {
  name: 'projection_live_positions',
  text: `SELECT name, position FROM projections WHERE state = 'live'`,
} as const;

/** $1 position as text. Sent after a commit and outside its transaction. */
export const notifyProjected = {
  name: 'projection_notify',
  text: `SELECT pg_notify('quarterdeck_projected', $1)`,
} as const;

/** $1 names: how long ago, in milliseconds, the oldest event was recorded that one of them does not show yet. */
export const readLag = {
  name: 'projection_lag',
  text: `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - e.recorded_at) * 1000), 0)::float8 AS ms
    FROM projections p JOIN events e ON e.position = p.position + 1 WHERE p.state = 'live' AND p.name = ANY ($1)`,
} as const;

/** $1 position: how many seconds ago the event behind it was recorded. */
export const oldestAge = {
  name: 'projection_oldest_age',
  text: `SELECT extract(epoch FROM clock_timestamp() - recorded_at)::float8 AS seconds
    FROM events WHERE position = $1 + 1`,
} as const;

/** $1 name. */
export const lockSnapshotsOf = {
  text: `SELECT id, table_name AS "tableName" FROM projections WHERE name = $1 AND state = 'snapshot' FOR UPDATE`,
} as const;
