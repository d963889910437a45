/** $1 after, $2 up to, $3 id of the command. */
export const selectPositionsOfCommand = {
  name: 'select_positions_of_command',
  text: `SELECT position FROM events WHERE position > $1 AND position <= $2 AND metadata->>'commandId' = $3
    ORDER BY position LIMIT 10000`,
} as const;
