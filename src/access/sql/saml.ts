/** Requests that we started and messages that were used; both count once, whichever process they reach. */

/**
 * $1 id, $2 kind, $3 provider, $4 hash of RelayState, $5 hash of the browser's secret, $6 return to,
 * $7 expires at, $8 forced, $9 hash of the session that the browser has, or null.
 */
export const insertRequest = {
  name: 'insert_saml_request',
  text: `INSERT INTO saml_requests (id, kind, provider, relay_hash, browser_hash, return_to, expires_at, forced, session_hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
} as const;

/** $1 hash of RelayState, $2 kind, $3 now. */
export const selectRequest = {
  name: 'select_saml_request',
  text: `SELECT id, provider, browser_hash AS "browserHash", return_to AS "returnTo", forced, expires_at AS "expiresAt",
      session_hash AS "sessionHash"
    FROM saml_requests WHERE relay_hash = $1 AND kind = $2 AND expires_at > $3`,
} as const;

/** $1 id, $2 now. One row for the first who asks, none for everybody after. */
export const consumeRequest = {
  name: 'consume_saml_request',
  text: 'DELETE FROM saml_requests WHERE id = $1 AND expires_at > $2 RETURNING id',
} as const;

/** $1 provider, $2 hash of the message's id, $3 expires at. No row where it had been used. */
export const insertUsedMessage = {
  name: 'insert_saml_used_message',
  text: `INSERT INTO saml_used_messages (provider, id_hash, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING provider`,
} as const;

/** $1 now. */
export const deleteExpiredRequests = {
  name: 'delete_expired_saml_requests',
  text: 'DELETE FROM saml_requests WHERE expires_at <= $1',
} as const;

/** $1 now. */
export const deleteExpiredUsedMessages = {
  name: 'delete_expired_saml_used_messages',
  text: 'DELETE FROM saml_used_messages WHERE expires_at <= $1',
} as const;
