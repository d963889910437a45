/** Keys of personal data, by subject. */

/** $1 subjects. */
export const selectSubjectKeys = {
  name: 'select_subject_keys',
  text: 'SELECT subject, wrapped FROM subject_keys WHERE subject = ANY ($1::text[])',
} as const;

/**
 * $1 subjects, $2 wrapped keys; answers those that were written. Whoever comes first wins, so the caller reads
 * the others. In one order for everybody, so that two batches with the same new subjects do not lock each other out.
 */
export const insertSubjectKeys = {
  name: 'insert_subject_keys',
  text: `INSERT INTO subject_keys (subject, wrapped) SELECT * FROM unnest($1::text[], $2::bytea[]) ORDER BY 1
    ON CONFLICT (subject) DO NOTHING RETURNING subject`,
} as const;
