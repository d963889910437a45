/** $1 after, $2 up to, $3 id of the command. */
export const selectPositionsOfCommand = {
  name: 'select_positions_of_command',
  text: `SELECT position FROM events WHERE position > $1 AND position <= $2 AND metadata->>'commandId' = $3
    ORDER BY position LIMIT 10000`,
} as const;

/**
 * $1 after, $2 up to, $3 behind this event's id, $4 at most so many: events whose metadata is in the archive, those
 * whose ids were made first at the beginning.
 */
export const selectMoved = {
  name: 'select_moved_by_id',
  text: `SELECT position, id FROM events
    WHERE EXISTS (SELECT FROM moved_partitions WHERE first_position <= $2 AND end_position > $1)
      AND position > $1 AND position <= $2 AND id > $3 AND metadata::text = 'null' ORDER BY id LIMIT $4`,
} as const;
