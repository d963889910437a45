/** Who serves a connection, and how to make sure that it does nothing more. */

export const identifyBackend = {
  name: 'identify_backend',
  query_timeout: 15_000,
  text: `SELECT pid, backend_start::text AS "startedAt" FROM pg_stat_activity WHERE pid = pg_backend_pid()`,
} as const;

/**
 * Ends the backend and waits until it is gone ($1 pid, $2 its start, so that a reused pid is safe). A
 * role may end its own sessions. No row: it had ended already; `ended` false: it did not in ten seconds.
 */
export const fenceBackend = {
  name: 'fence_backend',
  query_timeout: 15_000,
  text: `SELECT pg_terminate_backend(pid, 10000) AS ended FROM pg_stat_activity
    WHERE pid = $1 AND backend_start = $2::timestamptz`,
} as const;
