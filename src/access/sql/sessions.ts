/** Sessions, found by the hash of their token. Every statement that ends one tells the other processes. */
import { sessionsChannel } from './notifications.ts';

/**
 * $1 hash, $2 id, $3 person, $4 tool, $5 the provider's session index, $6 now, $7 expires at, $8 authenticated at,
 * $9 form of the NameID, $10 by what and from where, sealed.
 */
export const insertSession = {
  name: 'insert_session',
  text: `INSERT INTO sessions (token_hash, id, person_id, tool, session_index, created_at, last_used_at, expires_at,
      authenticated_at, name_id_form, begun_sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9::jsonb, $10)`,
} as const;

/** $1 hash. With the person, so that authenticating is one round trip. */
export const selectSession = {
  name: 'select_session',
  text: `SELECT s.id, s.person_id AS "personId", s.tool, s.session_index AS "sessionIndex", s.name_id_form AS "nameIdForm",
      s.created_at AS "createdAt", s.last_used_at AS "lastUsedAt", s.expires_at AS "expiresAt",
      s.authenticated_at AS "authenticatedAt", p.provider, p.email_sealed AS "emailSealed", p.name_sealed AS "nameSealed", p.groups,
      p.attributes
    FROM sessions s JOIN people p ON p.id = s.person_id
    WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND p.active`,
} as const;

/** $1 hash, $2 now, $3 the latest last use that is worth a write. */
export const touchSession = {
  name: 'touch_session',
  text: 'UPDATE sessions SET last_used_at = $2 WHERE token_hash = $1 AND last_used_at <= $3',
} as const;

const revoke = (name: string, which: string) => ({
  name,
  text: `WITH revoked AS (
      UPDATE sessions SET revoked_at = $1 WHERE revoked_at IS NULL AND ${which}
      RETURNING id, person_id, token_hash)
    SELECT id, person_id AS "personId", encode(token_hash, 'hex') AS hash,
      pg_notify('${sessionsChannel}', encode(token_hash, 'hex'))::text AS told FROM revoked`,
});

/** $1 now, $2 hash. */
export const revokeByToken = revoke('revoke_session_by_token', 'token_hash = $2');

/** $1 now, $2 person, $3 the provider's session index, or null for all of the person's. */
export const revokeByPerson = revoke(
  'revoke_sessions_by_person',
  'person_id = $2 AND ($3::text IS NULL OR session_index = $3)',
);

/** $1 now, $2 id, $3 the person whose it must be, or null. */
export const revokeById = revoke('revoke_session_by_id', 'id = $2 AND ($3::text IS NULL OR person_id = $3)');

/** $1 now, $2 idle since, $3 person or null, $4 the id that the page before ended with or null, $5 limit. */
export const listSessions = {
  name: 'list_sessions',
  text: `SELECT s.id, s.person_id AS "personId", s.tool, s.created_at AS "createdAt",
      s.last_used_at AS "lastUsedAt", s.expires_at AS "expiresAt", s.begun_sealed AS "begunSealed",
      p.email_sealed AS "emailSealed", p.name_sealed AS "nameSealed"
    FROM sessions s JOIN people p ON p.id = s.person_id
    WHERE s.revoked_at IS NULL AND s.expires_at > $1 AND s.last_used_at > $2 AND p.active
      AND ($3::text IS NULL OR s.person_id = $3) AND ($4::text IS NULL OR s.id < $4)
    ORDER BY s.id DESC LIMIT $5`,
} as const;

/** $1 now, $2 idle since. Ended sessions are of no use to anybody: the log has what happened. */
export const deleteEndedSessions = {
  name: 'delete_ended_sessions',
  text: 'DELETE FROM sessions WHERE expires_at <= $1 OR last_used_at <= $2 OR revoked_at IS NOT NULL',
} as const;
