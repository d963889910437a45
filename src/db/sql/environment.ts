/** The name of the environment that the database belongs to, and its passing to another one. */

/** $1 the name, written where there is none yet. */
export const claimEnvironment = {
  name: 'claim_environment',
  text: 'INSERT INTO environment (name) VALUES ($1) ON CONFLICT DO NOTHING',
} as const;

export const selectEnvironment = {
  name: 'select_environment',
  text: 'SELECT name FROM environment',
} as const;

/** $1 the new name. No row: it had that name already. */
export const adoptEnvironment = {
  name: 'adopt_environment',
  text: `UPDATE environment e SET name = $1, adopted_at = now()
    FROM (SELECT name FROM environment FOR UPDATE) o WHERE o.name <> $1 RETURNING o.name AS "from"`,
} as const;

/** $1 the head: whatever reactors had outstanding is not for this environment. */
export const forgetOutstanding = {
  name: 'forget_outstanding',
  text: `WITH gone AS (DELETE FROM reactor_deliveries)
    UPDATE reactors SET position = greatest(position, $1)`,
} as const;

export const pauseWebhooks = {
  name: 'pause_webhooks',
  text: `UPDATE reactors SET paused_at = clock_timestamp(), paused_reason = 'environment_adopted'
    WHERE name LIKE 'webhook-%' AND paused_at IS NULL`,
} as const;
