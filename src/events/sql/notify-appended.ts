/** $1 channel, $2 the newest position. */
export const notifyAppended = { name: 'notify_appended', text: 'SELECT pg_notify($1, $2)' } as const;
