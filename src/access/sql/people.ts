/** People, one a (provider, NameID). */

/**
 * A sign-in: $1 id, $2 provider, $3 NameID sealed, $4 e-mail sealed, $5 name sealed, $6 groups, $7 now,
 * $8 attributes, $9 whether the groups of somebody whom the directory told us of are the directory's and stay,
 * $10 names of attributes that are the directory's and stay, of such a person, $11 hash of the NameID in small letters.
 * Tells whether the person is active and whether their groups or attributes are others than before; `before`
 * reads the row as it was, because the statement has one snapshot.
 */
export const upsertPerson = {
  name: 'upsert_person',
  text: `WITH before AS (SELECT groups, attributes FROM people WHERE id = $1)
    INSERT INTO people (id, provider, name_id_sealed, email_sealed, name_sealed, groups, first_sign_in_at, last_sign_in_at,
      attributes, folded_hash)
    VALUES ($1, $2, $3, $4, $5, $6::text[], $7, $7, $8::jsonb, $11)
    ON CONFLICT (id) DO UPDATE SET provider = $2, name_id_sealed = $3, email_sealed = $4, name_sealed = $5,
      groups = CASE WHEN $9::boolean AND people.provisioned THEN people.groups ELSE $6::text[] END,
      first_sign_in_at = coalesce(people.first_sign_in_at, $7), last_sign_in_at = $7, attributes = $8::jsonb || CASE
        WHEN people.provisioned THEN (SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}'::jsonb)
          FROM jsonb_each(people.directory_attributes) d WHERE d.key = ANY($10::text[]))
        ELSE '{}'::jsonb END,
      folded_hash = $11
    RETURNING active, NOT EXISTS (
      SELECT FROM before WHERE before.groups = people.groups AND before.attributes = people.attributes) AS rights_changed`,
} as const;

/**
 * $1 id, $2 provider, $3 hash of the NameID in small letters. One row where the directory told us of another
 * spelling of it and not of this one.
 */
export const selectProvisionedNamesake = {
  name: 'select_provisioned_namesake',
  text: `SELECT FROM people p WHERE folded_hash = $3 AND provider = $2 AND provisioned AND id <> $1
      AND NOT EXISTS (SELECT FROM people WHERE id = $1 AND provisioned) LIMIT 1`,
} as const;

/** $1 id. */
export const selectPerson = {
  name: 'select_person',
  text: `SELECT id, provider, name_id_sealed AS "nameIdSealed", email_sealed AS "emailSealed",
      name_sealed AS "nameSealed", groups, attributes, active, provisioned FROM people WHERE id = $1`,
} as const;

/** $1 id, $2 active. */
export const setPersonActive = {
  name: 'set_person_active',
  text: 'UPDATE people SET active = $2 WHERE id = $1 AND active <> $2',
} as const;
