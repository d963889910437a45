/** What oidc-provider keeps, found by hashes. Whatever ends a token that may be in use tells the other processes. */
import { sessionsChannel } from './notifications.ts';

/**
 * $1 kind, $2 id hash, $3 grant hash, $4 uid hash, $5 user code hash, $6 person, $7 tool, $8 scope,
 * $9 payload sealed, $10 now, $11 expires at. Written again, a record keeps its consumption and its session.
 */
export const upsertRecord = {
  name: 'upsert_oidc_record',
  text: `INSERT INTO oidc_records (kind, id_hash, grant_hash, uid_hash, user_code_hash, person_id, tool, scope,
      payload_sealed, issued_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (kind, id_hash) DO UPDATE SET grant_hash = $3, uid_hash = $4, user_code_hash = $5, person_id = $6,
      tool = $7, scope = $8, payload_sealed = $9, expires_at = $11`,
} as const;

/** As above, but a record that is there stays, and no row comes back: what may be used once is used already. */
export const insertRecordOnce = {
  name: 'insert_oidc_record_once',
  text: `INSERT INTO oidc_records (kind, id_hash, grant_hash, uid_hash, user_code_hash, person_id, tool, scope,
      payload_sealed, issued_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
    ON CONFLICT (kind, id_hash) DO NOTHING RETURNING kind`,
} as const;

const select = (name: string, which: string) => ({
  name,
  text: `SELECT payload_sealed AS "payloadSealed", consumed_at AS "consumedAt" FROM oidc_records
    WHERE kind = $1 AND ${which}`,
});

/** $1 kind, $2 id hash. */
export const selectRecord = select('select_oidc_record', 'id_hash = $2');
/** $1 kind, $2 uid hash. */
export const selectRecordByUid = select('select_oidc_record_by_uid', 'uid_hash = $2');
/** $1 kind, $2 user code hash. */
export const selectRecordByUserCode = select('select_oidc_record_by_user_code', 'user_code_hash = $2');

/** $1 kind, $2 id hash, $3 now. One row for the first who asks, none for everybody after. */
export const consumeRecord = {
  name: 'consume_oidc_record',
  text: `UPDATE oidc_records SET consumed_at = $3 WHERE kind = $1 AND id_hash = $2 AND consumed_at IS NULL
    RETURNING kind`,
} as const;

const remove = (name: string, which: string) => ({
  name,
  text: `WITH removed AS (DELETE FROM oidc_records WHERE ${which} RETURNING kind, id_hash)
    SELECT pg_notify('${sessionsChannel}', encode(id_hash, 'hex'))::text AS told FROM removed
    WHERE kind IN ('AccessToken', 'ClientCredentials', 'Grant')`,
});

/**
 * $1 person: all that they gave tools, and what was given under it: tokens, codes, devices that wait for their
 * tool. What is made under such a grant meanwhile has no grant any more, and counts for nothing.
 */
export const deleteRecordsOf = remove(
  'delete_oidc_records_of_person',
  `person_id = $1 OR grant_hash IN (SELECT id_hash FROM oidc_records WHERE kind = 'Grant' AND person_id = $1)`,
);
/** $1 kind, $2 id hash. */
export const deleteRecord = remove('delete_oidc_record', 'kind = $1 AND id_hash = $2');
/** $1 grant hash: the grant and all that was given under it. */
export const deleteGrant = remove('delete_oidc_grant', 'grant_hash = $1');
/** $1 kind, $2 id hash: the same, known by something that was given under it. */
export const deleteGrantOf = remove(
  'delete_oidc_grant_of',
  'grant_hash = (SELECT grant_hash FROM oidc_records WHERE kind = $1 AND id_hash = $2)',
);

/** $1 grant hash, $2 session or null where it outlives it, $3 when the person last proved who they are, or null. */
export const bindGrant = {
  name: 'bind_oidc_grant',
  text: `UPDATE oidc_records SET session_id = $2, authenticated_at = $3 WHERE kind = 'Grant' AND id_hash = $1`,
} as const;

/** $1 now. */
export const deleteExpiredRecords = {
  name: 'delete_expired_oidc_records',
  text: 'DELETE FROM oidc_records WHERE expires_at <= $1',
} as const;

const grantStands = (now: string) => `p.active AND g.expires_at > ${now} AND (g.session_id IS NULL
      OR EXISTS (SELECT FROM sessions s WHERE s.id = g.session_id AND s.revoked_at IS NULL AND s.expires_at > ${now}))`;

/** $1 grant hash, $2 now. One row where the person is active and what the grant depends on still stands. */
export const selectStandingGrant = {
  name: 'select_standing_oidc_grant',
  text: `SELECT g.person_id AS "personId" FROM oidc_records g JOIN people p ON p.id = g.person_id
    WHERE g.kind = 'Grant' AND g.id_hash = $1 AND ${grantStands('$2')}`,
} as const;

/** How a grant is called outside: half of its hash in hex. */
const grantId = "left(encode(g.id_hash, 'hex'), 32)";

const isUsed = (now: string) => `EXISTS (SELECT FROM oidc_records t WHERE t.grant_hash = g.id_hash
      AND t.kind IN ('AccessToken', 'RefreshToken') AND t.consumed_at IS NULL AND t.expires_at > ${now})`;

/** $1 now, $2 person or null, $3 the id that the page before ended with or null, $4 limit. */
export const listGrants = {
  name: 'list_oidc_grants',
  text: `SELECT ${grantId} AS id, g.person_id AS "personId", g.tool, g.issued_at AS "givenAt",
      g.expires_at AS "expiresAt", g.session_id AS "sessionId", p.email_sealed AS "emailSealed",
      p.name_sealed AS "nameSealed"
    FROM oidc_records g JOIN people p ON p.id = g.person_id
    WHERE g.kind = 'Grant' AND ${grantStands('$1')} AND ${isUsed('$1')}
      AND ($2::text IS NULL OR g.person_id = $2) AND ($3::text IS NULL OR ${grantId} > $3)
    ORDER BY ${grantId} LIMIT $4`,
} as const;

/** $1 id, $2 the person whose it must be, or null. With all that was given under it. */
export const deleteGrantById = {
  name: 'delete_oidc_grant_by_id',
  text: `WITH wanted AS (
      SELECT g.id_hash, g.tool, g.person_id FROM oidc_records g
      WHERE g.kind = 'Grant' AND ${grantId} = $1 AND ($2::text IS NULL OR g.person_id = $2)),
    removed AS (DELETE FROM oidc_records r USING wanted w WHERE r.grant_hash = w.id_hash RETURNING r.id_hash)
    SELECT w.tool, w.person_id AS "personId",
      pg_notify('${sessionsChannel}', encode(w.id_hash, 'hex'))::text AS told FROM wanted w`,
} as const;

/** $1 hash of an access token, $2 now. With the person, so that authenticating is one round trip. */
export const selectAccessToken = {
  name: 'select_oidc_access_token',
  text: `SELECT t.tool, t.scope, t.expires_at AS "expiresAt", encode(t.grant_hash, 'hex') AS "grantHash",
      p.id AS "personId", p.provider, p.email_sealed AS "emailSealed", p.name_sealed AS "nameSealed", p.groups,
      p.attributes,
      g.authenticated_at AS "authenticatedAt"
    FROM oidc_records t
      LEFT JOIN oidc_records g ON g.kind = 'Grant' AND g.id_hash = t.grant_hash
      LEFT JOIN people p ON p.id = t.person_id AND p.id = g.person_id
    WHERE t.id_hash = $1 AND t.expires_at > $2
      AND (t.kind = 'ClientCredentials' OR (t.kind = 'AccessToken' AND ${grantStands('$2')}))`,
} as const;
