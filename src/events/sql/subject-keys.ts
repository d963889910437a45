/** Keys of personal data, by subject. */

/** $1 subjects. */
export const selectSubjectKeys = {
  name: 'select_subject_keys',
  text: `SELECT subject, wrapped, wrapped_by AS "wrappedBy" FROM subject_keys WHERE subject = ANY ($1::text[])`,
} as const;

/**
 * $1 subjects, $2 a wrapped key for each, which is written where there is none, $3 which master key wrapped it;
 * answers those that had a row before, and so nothing at all where all are new, as they mostly are. Whoever comes
 * first wins: of a subject whose key another made at this moment `there` is false, and the caller reads it. In one
 * order for everybody, so that two batches with the same new subjects do not lock each other out.
 */
export const makeSubjectKeys = {
  name: 'make_subject_keys',
  text: `
    WITH made AS (
      INSERT INTO subject_keys (subject, wrapped, wrapped_by)
      SELECT subject, wrapped, $3 FROM unnest($1::text[], $2::bytea[]) AS g (subject, wrapped) ORDER BY 1
      ON CONFLICT (subject) DO NOTHING RETURNING subject
    )
    SELECT asked AS subject, k.wrapped, k.wrapped_by AS "wrappedBy", k.subject IS NOT NULL AS there
    FROM unnest($1::text[]) AS asked LEFT JOIN subject_keys k ON k.subject = asked
    WHERE asked NOT IN (SELECT subject FROM made)`,
} as const;

/** $1 subject. The row stays: a key is never made again for whoever was erased. Answers whether there is a row. */
export const destroySubjectKey = {
  name: 'destroy_subject_key',
  text: 'UPDATE subject_keys SET wrapped = NULL, wrapped_by = NULL WHERE subject = $1',
} as const;

/** $1 subject. As above, also where there is no row: none shall ever be made. */
export const burySubjectKey = {
  name: 'bury_subject_key',
  text: `INSERT INTO subject_keys (subject) VALUES ($1)
    ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, wrapped_by = NULL`,
} as const;

/** $1 subject. */
export const selectHasKey = {
  name: 'select_has_key',
  text: `SELECT EXISTS (SELECT FROM subject_keys WHERE subject = $1 AND wrapped IS NOT NULL) AS has`,
} as const;

/**
 * $1 the master key in use, $2 the subject after which to go on, $3 limit. Locked, so that nobody destroys one
 * meanwhile and sees it come back; what another process has in hand is left to it.
 */
export const selectKeysToRewrap = {
  name: 'select_keys_to_rewrap',
  text: `SELECT subject, wrapped, wrapped_by AS "wrappedBy" FROM subject_keys
    WHERE subject > $2 AND wrapped IS NOT NULL AND wrapped_by IS DISTINCT FROM $1
    ORDER BY subject LIMIT $3 FOR UPDATE SKIP LOCKED`,
} as const;

/** $1 subjects, $2 the keys wrapped anew, $3 by which master key. */
export const saveRewrapped = {
  name: 'save_rewrapped_keys',
  text: `UPDATE subject_keys k SET wrapped = g.wrapped, wrapped_by = $3
    FROM unnest($1::text[], $2::bytea[]) AS g (subject, wrapped) WHERE k.subject = g.subject AND k.wrapped IS NOT NULL`,
} as const;

/** $1 the master key in use. */
export const countKeysToRewrap = {
  name: 'count_keys_to_rewrap',
  text: `SELECT count(*)::integer AS keys FROM subject_keys WHERE wrapped IS NOT NULL AND wrapped_by IS DISTINCT FROM $1`,
} as const;

/** Whether anything personal is kept: keys of the engine's own begin with a $. */
export const selectAnySubject = {
  name: 'select_any_subject',
  text: `SELECT EXISTS (SELECT FROM subject_keys WHERE subject NOT LIKE '$%') AS any`,
} as const;

/** $1 subjects, $2 a channel to tell of each. What is destroyed stays so: its row remains, without a key. */
export const destroySubjectKeys = {
  name: 'destroy_subject_keys',
  text: `
    WITH destroyed AS (
      INSERT INTO subject_keys (subject) SELECT subject FROM unnest($1::text[]) AS subject ORDER BY 1
      ON CONFLICT (subject) DO UPDATE SET wrapped = NULL, wrapped_by = NULL RETURNING subject
    )
    SELECT pg_notify($2, subject) FROM destroyed`,
} as const;
