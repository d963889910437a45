/** Tells other processes that a job changed. $1 channel, $2 job ids; sent outside any transaction. */
export const notifyJobs = {
  name: 'bulk_notify',
  text: 'SELECT pg_notify($1, id) FROM unnest($2::text[]) AS id',
} as const;
