/** How many events a partition of the log holds; partition n holds the positions from n times that on. */
export const selectPartitionSize = {
  name: 'select_partition_size',
  text: 'SELECT event_partition_size() AS size',
} as const;
