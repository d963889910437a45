/** Where in the archive events lie. */

/** $1 file. */
export const anyMember = {
  name: 'archive_any_member',
  text: 'SELECT EXISTS (SELECT FROM archived_members WHERE file = $1) AS exists',
} as const;

/** $1 first positions, $2 last positions, $3 the file, $4 where each starts in it, $5 how many bytes it has. */
export const writeMembers = {
  name: 'archive_write_members',
  text: `INSERT INTO archived_members (first_position, last_position, file, starts_at, bytes)
    SELECT first, last, $3, starts_at, bytes
      FROM unnest($1::bigint[], $2::bigint[], $4::bigint[], $5::int[]) AS m (first, last, starts_at, bytes)
    ON CONFLICT (first_position) DO UPDATE
      SET (last_position, file, starts_at, bytes) =
        (excluded.last_position, excluded.file, excluded.starts_at, excluded.bytes)`,
} as const;

/** $1 positions: the members that hold them, each once. A position that none holds has none. */
export const selectMembers = {
  name: 'archive_select_members',
  text: `SELECT DISTINCT ON (m.first_position) m.first_position AS first, m.last_position AS last, m.file,
      m.starts_at AS "startsAt", m.bytes
    FROM unnest($1::bigint[]) AS p (position)
    CROSS JOIN LATERAL (
      SELECT * FROM archived_members WHERE first_position <= p.position ORDER BY first_position DESC LIMIT 1
    ) m
    WHERE m.last_position >= p.position
    ORDER BY m.first_position`,
} as const;

/** For as long as the connection lasts, or until it is let go. */
export const lockArchive = 'SELECT pg_try_advisory_lock(7400, 3) AS locked';
export const unlockArchive = 'SELECT pg_advisory_unlock(7400, 3)';

/** $1 first position: whether its partition was moved already. */
export const isMovedAt = {
  name: 'archive_is_moved',
  text: 'SELECT EXISTS (SELECT FROM moved_partitions WHERE first_position <= $1 AND end_position > $1) AS moved',
} as const;
