/** $1 how many partitions to have beyond the one that holds the head. */
export const ensurePartitions = {
  name: 'ensure_event_partitions',
  text: 'SELECT ensure_event_partitions($1)',
} as const;
