/** How far the delivered effects of a bulk job are. */

/** $1 job, $2 reactors: how many events are to be settled, how many are, and up to where the log was read for it. */
export const selectSettled = {
  name: 'effect_select_settled',
  text: `SELECT
      coalesce((SELECT sum(expected) FROM effect_jobs WHERE job_id = $1), 0)::int AS expected,
      coalesce((SELECT version FROM events WHERE stream = '$effects-applied-' || $1 ORDER BY version DESC LIMIT 1), 0)
        + coalesce((SELECT version FROM events WHERE stream = '$effects-not-applied-' || $1 ORDER BY version DESC LIMIT 1), 0)
        AS settled,
      coalesce((SELECT min(position) FROM reactors WHERE name = ANY ($2::text[])), 0) AS read`,
} as const;

export interface SettledRow {
  readonly expected: number;
  readonly settled: number;
  readonly read: number;
}

/** $1 a time such as `5s`: for each statement of this transaction from now on. */
export const limitEffect = {
  name: 'effect_limit',
  text: "SELECT set_config('statement_timeout', $1, true)",
} as const;
