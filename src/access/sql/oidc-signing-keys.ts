/** Keys that ID tokens are signed with. */

/** $1 now. Those that are still published, the newest first. */
export const selectSigningKeys = {
  name: 'select_oidc_signing_keys',
  text: `SELECT kid, public_jwk AS "publicJwk", private_sealed AS "privateSealed", signs_from AS "signsFrom",
      signs_until AS "signsUntil" FROM oidc_signing_keys WHERE published_until > $1
    ORDER BY signs_from DESC, kid`,
} as const;

/** One process at a time decides whether a key is due. */
export const lockSigningKeys = {
  name: 'lock_oidc_signing_keys',
  text: 'LOCK TABLE oidc_signing_keys IN SHARE ROW EXCLUSIVE MODE',
} as const;

/** $1 kid, $2 public JWK, $3 private JWK sealed, $4 signs from, $5 signs until, $6 published until. */
export const insertSigningKey = {
  name: 'insert_oidc_signing_key',
  text: `INSERT INTO oidc_signing_keys (kid, public_jwk, private_sealed, signs_from, signs_until, published_until)
    VALUES ($1, $2, $3, $4, $5, $6)`,
} as const;

/** $1 now, $2 published until. Those that sign stop doing so. */
export const retireSigningKeys = {
  name: 'retire_oidc_signing_keys',
  text: `UPDATE oidc_signing_keys SET signs_until = $1, published_until = LEAST(published_until, $2)
    WHERE signs_until > $1`,
} as const;

/** $1 now. */
export const deleteOldSigningKeys = {
  name: 'delete_old_oidc_signing_keys',
  text: 'DELETE FROM oidc_signing_keys WHERE published_until <= $1',
} as const;
