/** $1 the name, written where there is none yet; answers the one that holds. */
export const claimEnvironment = {
  name: 'claim_environment',
  text: `WITH written AS (INSERT INTO environment (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING name)
    SELECT name FROM written UNION ALL SELECT name FROM environment LIMIT 1`,
} as const;
