/** Keys of personal data, by subject. */

/** $1 subjects. */
export const selectSubjectKeys = {
  name: 'select_subject_keys',
  text: 'SELECT subject, wrapped FROM subject_keys WHERE subject = ANY ($1::text[])',
} as const;

/**
 * $1 subjects, $2 a wrapped key for each, which is written where there is none; answers those that were made,
 * and those that were there before with their keys. Whoever comes first wins: a subject of which another made
 * the key at this moment is not answered, and the caller reads it. In one order for everybody, so that two
 * batches with the same new subjects do not lock each other out.
 */
export const makeSubjectKeys = {
  name: 'make_subject_keys',
  text: `
    WITH made AS (
      INSERT INTO subject_keys (subject, wrapped) SELECT * FROM unnest($1::text[], $2::bytea[]) ORDER BY 1
      ON CONFLICT (subject) DO NOTHING RETURNING subject
    )
    SELECT subject, NULL::bytea AS wrapped, true AS made FROM made
    UNION ALL SELECT subject, wrapped, false FROM subject_keys WHERE subject = ANY ($1::text[])`,
} as const;

/** $1 subjects. What is destroyed stays so: its row remains, without a key. */
export const destroySubjectKeys = {
  name: 'destroy_subject_keys',
  text: `
    INSERT INTO subject_keys (subject, wrapped) SELECT subject, NULL FROM unnest($1::text[]) AS subject ORDER BY 1
    ON CONFLICT (subject) DO UPDATE SET wrapped = NULL`,
} as const;
