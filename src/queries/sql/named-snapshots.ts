/** Moments whose rows are kept under a name. */
import type { TableRow } from './projections.ts';

export interface NamedRow {
  readonly name: string;
  readonly position: number;
  /** Projections whose tables are whole. */
  readonly built: readonly string[];
  readonly ready: boolean;
  readonly madeBy: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

const row = `name, position, built, ready, made_by AS "madeBy", created_at AS "createdAt", expires_at AS "expiresAt"`;

/** $1 name. One that has expired is there no more, swept or not. */
export const selectNamed = {
  name: 'named_snapshot',
  text: `SELECT ${row} FROM named_snapshots WHERE name = $1 AND expires_at > now()`,
} as const;

export const listNamed = {
  name: 'named_snapshots',
  text: `SELECT ${row}, (SELECT recorded_at FROM events e WHERE e.position = n.position) AS "recordedAt"
    FROM named_snapshots n WHERE expires_at > now() ORDER BY created_at DESC, name`,
} as const;

export interface ListedRow extends NamedRow {
  /** Of the last event that it holds; null where it holds none. */
  readonly recordedAt: string | null;
}

/** $1 name, $2 position, $3 who, $4 days. Nothing comes back where the name is taken. */
export const insertNamed = {
  text: `INSERT INTO named_snapshots (name, position, made_by, expires_at)
    VALUES ($1, $2, $3, now() + make_interval(days => $4)) ON CONFLICT DO NOTHING RETURNING ${row}`,
} as const;

/** $1 name, $2 the projection's name and version. */
export const markBuilt = {
  text: `UPDATE named_snapshots SET built = array_append(built, $2) WHERE name = $1 AND $2 <> ALL (built)`,
} as const;

/** $1 name, $2 days from now. Nothing comes back where it was ready before, or is gone. */
export const markReady = {
  text: `UPDATE named_snapshots SET ready = true, expires_at = now() + make_interval(days => $2)
    WHERE name = $1 AND NOT ready RETURNING ${row}`,
} as const;

/** $1 name. */
export const deleteNamed = { text: `DELETE FROM named_snapshots WHERE name = $1 RETURNING ${row}` } as const;

/** $1 how many together. */
export const deleteExpired = {
  text: `DELETE FROM named_snapshots WHERE name IN (
      SELECT name FROM named_snapshots WHERE expires_at <= now() ORDER BY name LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING ${row}`,
} as const;

/** $1 position: tables that only a name held. */
export const lockUnheld = {
  text: `SELECT id, table_name AS "tableName" FROM projections p
    WHERE state = 'snapshot' AND up_to = $1 AND NOT EXISTS (
      SELECT FROM named_snapshots n WHERE n.position = p.up_to)
    FOR UPDATE`,
} as const;

/** $1 id of a table: whether this transaction may finish it, which one does after the other. */
export const lockTable = {
  text: 'SELECT position FROM projections WHERE id = $1 FOR UPDATE',
} as const;

export type UnheldTable = Pick<TableRow, 'id' | 'tableName'>;
