/** Idempotency keys; they are written by the append function alone, in the transaction of what they stand for. */

/** $1 the key's HMAC. */
export const selectKey = {
  name: 'select_idempotency_key',
  text: `SELECT fingerprint, answer, first_position AS "firstPosition" FROM idempotency_keys WHERE key = $1`,
} as const;

/** $1 days, $2 how many at most, so that no long transaction arises. */
export const forgetOldKeys = {
  name: 'forget_idempotency_keys',
  text: `DELETE FROM idempotency_keys WHERE key IN (
    SELECT key FROM idempotency_keys WHERE recorded_at < now() - make_interval(days => $1) LIMIT $2)`,
} as const;
