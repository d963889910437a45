/** 0 where nothing was moved. */
export const movedUpTo = {
  name: 'events_moved_up_to',
  text: 'SELECT coalesce(max(end_position) - 1, 0) AS position FROM moved_partitions',
} as const;
