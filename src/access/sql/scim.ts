/** Users and groups of directories. Writers of one provider take turns, over all processes. */

/** $1 provider. */
export const lockDirectory = {
  name: 'lock_scim_directory',
  text: `SELECT pg_advisory_xact_lock(hashtextextended('quarterdeck scim ' || $1, 0))`,
} as const;

const user = `id, person_id AS "personId", sealed, active, created_at AS "createdAt", changed_at AS "changedAt"`;

/** $1 provider, $2 id. */
export const selectUser = {
  name: 'select_scim_user',
  text: `SELECT ${user} FROM scim_users WHERE provider = $1 AND id = $2`,
} as const;

const userFilter = `provider = $1 AND ($2::bytea IS NULL OR user_name_hash = $2)
  AND ($3::bytea IS NULL OR external_hash = $3) AND ($4::text IS NULL OR id = $4)`;

/** $1 provider; $2 hash of the user name, $3 of the external id, $4 id, each or null. */
export const countUsers = {
  name: 'count_scim_users',
  text: `SELECT count(*)::int AS total FROM scim_users WHERE ${userFilter}`,
} as const;

/** As above; $5 limit, $6 offset: SCIM pages by index, so whoever pages while users come and go may miss some. */
export const listUsers = {
  name: 'list_scim_users',
  text: `SELECT ${user} FROM scim_users WHERE ${userFilter} ORDER BY id LIMIT $5 OFFSET $6`,
} as const;

/** $1 provider, $2 hash of the user name, $3 person, $4 the id that it may be: somebody else who has either. */
export const userTaken = {
  name: 'scim_user_taken',
  text: `SELECT id FROM scim_users WHERE provider = $1 AND (user_name_hash = $2 OR person_id = $3) AND id <> $4 LIMIT 1`,
} as const;

/** $1 id, $2 provider, $3 person, $4 hash of the user name, $5 of the external id, $6 sealed, $7 active, $8 now. */
export const upsertUser = {
  name: 'upsert_scim_user',
  text: `INSERT INTO scim_users (id, provider, person_id, user_name_hash, external_hash, sealed, active, created_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
    ON CONFLICT (id) DO UPDATE SET person_id = $3, user_name_hash = $4, external_hash = $5, sealed = $6, active = $7,
      changed_at = $8
    RETURNING created_at AS "createdAt", changed_at AS "changedAt"`,
} as const;

/** $1 provider, $2 id. */
export const deleteUser = {
  name: 'delete_scim_user',
  text: 'DELETE FROM scim_users WHERE provider = $1 AND id = $2',
} as const;

/**
 * $1 person, $2 provider, $3 NameID, $4 e-mail, $5 name (sealed), $6 active, $7 hash of the NameID in small
 * letters. Tells what was before. Whoever is to be locked out stays as they are: that is `effects.ts`, which
 * records it.
 */
export const upsertProvisioned = {
  name: 'upsert_provisioned_person',
  text: `WITH before AS (SELECT active, provisioned FROM people WHERE id = $1)
    INSERT INTO people (id, provider, name_id_sealed, email_sealed, name_sealed, groups, active, provisioned, folded_hash)
    VALUES ($1, $2, $3, $4, $5, '{}', $6, true, $7)
    ON CONFLICT (id) DO UPDATE SET name_id_sealed = $3, email_sealed = coalesce($4, people.email_sealed),
      name_sealed = coalesce($5, people.name_sealed), active = people.active OR $6, provisioned = true, folded_hash = $7
    RETURNING (SELECT active FROM before) AS "wasActive", (SELECT provisioned FROM before) AS "wasProvisioned"`,
} as const;

/**
 * $1 provider, $2 hash of a NameID in small letters, $3 people whose spellings are known: somebody else who may
 * come in under another spelling.
 */
export const selectNamesake = {
  name: 'select_namesake',
  text: `SELECT id FROM people WHERE folded_hash = $2 AND provider = $1 AND active AND id <> ALL ($3::text[]) LIMIT 1`,
} as const;

/** $1 person: their id, and those under which the same provider may name them in other capitals. */
export const selectSpellings = {
  name: 'select_spellings',
  text: `SELECT p.id FROM people p JOIN people named ON named.id = $1
    WHERE p.id = $1 OR (p.folded_hash = named.folded_hash AND p.provider = named.provider) ORDER BY p.id`,
} as const;

/** $1 person: where they are active, how many sessions they have that are not revoked. */
export const sessionsOfActive = {
  name: 'sessions_of_active_person',
  text: `SELECT (SELECT count(*)::int FROM sessions WHERE person_id = p.id AND revoked_at IS NULL) AS total
    FROM people p WHERE p.id = $1 AND p.active`,
} as const;

const group = `g.id, g.display_name AS "displayName", g.external_id AS "externalId", g.created_at AS "createdAt",
  g.changed_at AS "changedAt"`;

/** $1 provider, $2 id. */
export const selectGroup = {
  name: 'select_scim_group',
  text: `SELECT ${group} FROM scim_groups g WHERE provider = $1 AND id = $2`,
} as const;

const groupFilter = `provider = $1 AND ($2::text IS NULL OR display_name = $2) AND ($3::text IS NULL OR external_id = $3)
  AND ($4::text IS NULL OR id = $4)
  AND ($5::text IS NULL OR EXISTS (SELECT FROM scim_members m WHERE m.group_id = g.id AND m.user_id = $5))`;

/** $1 provider; $2 display name, $3 external id, $4 id, $5 a member, each or null. */
export const countGroups = {
  name: 'count_scim_groups',
  text: `SELECT count(*)::int AS total FROM scim_groups g WHERE ${groupFilter}`,
} as const;

/** As above; $6 limit, $7 offset. */
export const listGroups = {
  name: 'list_scim_groups',
  text: `SELECT ${group} FROM scim_groups g WHERE ${groupFilter} ORDER BY id LIMIT $6 OFFSET $7`,
} as const;

/** $1 provider, $2 display name, $3 the id that it may be. */
export const groupTaken = {
  name: 'scim_group_taken',
  text: 'SELECT id FROM scim_groups WHERE provider = $1 AND display_name = $2 AND id <> $3 LIMIT 1',
} as const;

/** $1 id, $2 provider, $3 display name, $4 external id, $5 now. */
export const upsertGroup = {
  name: 'upsert_scim_group',
  text: `INSERT INTO scim_groups (id, provider, display_name, external_id, created_at, changed_at)
    VALUES ($1, $2, $3, $4, $5, $5)
    ON CONFLICT (id) DO UPDATE SET display_name = $3, external_id = $4, changed_at = $5`,
} as const;

/** $1 provider, $2 id. */
export const deleteGroup = {
  name: 'delete_scim_group',
  text: 'DELETE FROM scim_groups WHERE provider = $1 AND id = $2',
} as const;

/** $1 group. */
export const membersOfGroup = {
  name: 'scim_members_of_group',
  text: 'SELECT user_id AS id FROM scim_members WHERE group_id = $1 ORDER BY user_id',
} as const;

/** $1 user. */
export const groupsOfUser = {
  name: 'scim_groups_of_user',
  text: `SELECT g.id, g.display_name AS "displayName" FROM scim_members m JOIN scim_groups g ON g.id = m.group_id
    WHERE m.user_id = $1 ORDER BY g.id`,
} as const;

/** $1 provider, $2 users: those of them that there are. */
export const usersAmong = {
  name: 'scim_users_among',
  text: 'SELECT id FROM scim_users WHERE provider = $1 AND id = ANY($2::text[])',
} as const;

/** $1 group, $2 users. */
export const addMembers = {
  name: 'add_scim_members',
  text: `INSERT INTO scim_members (group_id, user_id) SELECT $1, unnest($2::text[]) ON CONFLICT DO NOTHING`,
} as const;

/** $1 group, $2 users. */
export const removeMembers = {
  name: 'remove_scim_members',
  text: 'DELETE FROM scim_members WHERE group_id = $1 AND user_id = ANY($2::text[])',
} as const;

/**
 * $1 users. Gives their people the names and external ids of the groups that they are in, and tells whose
 * were others before.
 */
export const settleGroups = {
  name: 'settle_groups_of_people',
  text: `WITH wanted AS (
      SELECT u.person_id, coalesce(array_agg(DISTINCT n.name ORDER BY n.name) FILTER (WHERE n.name IS NOT NULL), '{}') AS groups
      FROM scim_users u LEFT JOIN scim_members m ON m.user_id = u.id LEFT JOIN scim_groups g ON g.id = m.group_id
        LEFT JOIN LATERAL (VALUES (g.display_name), (g.external_id)) n (name) ON true
      WHERE u.id = ANY($1::text[]) GROUP BY u.person_id),
    before AS (SELECT id, groups FROM people WHERE id IN (SELECT person_id FROM wanted))
    UPDATE people p SET groups = w.groups FROM wanted w JOIN before b ON b.id = w.person_id
    WHERE p.id = w.person_id AND p.groups <> w.groups
    RETURNING p.id AS person, b.groups AS before, p.groups AS after`,
} as const;

/** $1 person, $2 what their directory says of them now, in place of what it said. No row where it is the same. */
export const settleAttributes = {
  name: 'settle_attributes_of_person',
  text: `WITH before AS (SELECT id, directory_attributes FROM people WHERE id = $1)
    UPDATE people p SET directory_attributes = $2::jsonb,
      attributes = (p.attributes - ARRAY(SELECT jsonb_object_keys(p.directory_attributes))) || $2::jsonb
    FROM before b WHERE p.id = b.id AND p.directory_attributes <> $2::jsonb
    RETURNING b.directory_attributes AS before`,
} as const;
