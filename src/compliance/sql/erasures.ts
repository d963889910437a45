/** Erasures under way, and the scrubbing of what copies there are. */

/** $1 subject, $2 name of its tombstone, $3 position. A backup may bring back a row that was done. */
export const insertErasure = {
  name: 'erasure_insert',
  text: `INSERT INTO erasures (subject, tombstone, position) VALUES ($1, $2, $3)
    ON CONFLICT (subject) DO UPDATE SET position = $3, counts = '{}', lease_until = NULL, scrubbed_at = NULL`,
} as const;

/** $1 channel, $2 subject. Delivered when the transaction commits. */
export const notifyDestroyed = { name: 'erasure_notify', text: 'SELECT pg_notify($1, $2)' } as const;

/** $1 names of tombstones: those whose erasure this database knows. */
export const selectKnownTombstones = {
  name: 'erasure_select_known',
  text: 'SELECT tombstone FROM erasures WHERE tombstone = ANY ($1::text[])',
} as const;

/** Names of tombstones whose subjects have a key all the same: the table of keys alone was restored. */
export const selectRevived = {
  name: 'erasure_select_revived',
  text: 'SELECT tombstone FROM erasures JOIN subject_keys USING (subject) WHERE wrapped IS NOT NULL',
} as const;

/** $1 seconds of lease, $2 subjects or null for any. The oldest that nobody is at. */
export const claimErasure = {
  name: 'erasure_claim',
  text: `UPDATE erasures SET lease_until = clock_timestamp() + make_interval(secs => $1) WHERE subject = (
      SELECT subject FROM erasures WHERE scrubbed_at IS NULL AND coalesce(lease_until, '-infinity') < clock_timestamp()
        AND ($2::text[] IS NULL OR subject = ANY ($2::text[]))
      ORDER BY position LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING subject, counts`,
} as const;

export interface ClaimedRow {
  readonly subject: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** $1 subject, $2 counts, $3 seconds of lease. */
export const saveCounts = {
  name: 'erasure_save_counts',
  text: `UPDATE erasures SET counts = $2::jsonb, lease_until = clock_timestamp() + make_interval(secs => $3) WHERE subject = $1`,
} as const;

/** $1 subject. Answers whether it was not done yet. */
export const finishErasure = {
  name: 'erasure_finish',
  text: `UPDATE erasures SET scrubbed_at = clock_timestamp(), lease_until = NULL WHERE subject = $1 AND scrubbed_at IS NULL`,
} as const;

/** $1 subject. Given back, to be tried again. */
export const giveBackErasure = {
  name: 'erasure_give_back',
  text: 'UPDATE erasures SET lease_until = NULL WHERE subject = $1',
} as const;
