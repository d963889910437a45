/** Tells other processes that interactive commands are slow here. $1 channel, $2 who and by how much. */
export const notifyPressure = {
  name: 'bulk_notify_pressure',
  text: 'SELECT pg_notify($1, $2)',
} as const;
