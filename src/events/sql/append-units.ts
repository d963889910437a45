/**
 * The statement of appending (the function of 000005_append_faster.sql): one round trip, prepared once a
 * connection, everything passed as arrays. $1 admit_only: only take the lock and tell what would be
 * refused.
 */
export const appendUnits = {
  name: 'append_units',
  // A peer that has gone silent is given up; longer than any wait for the append lock (lock_timeout).
  query_timeout: 45_000,
  text: `SELECT * FROM append_units($1::boolean, $2::int[], $3::text[], $4::int[], $5::int[], $6::bytea[], $7::text[],
    $8::int[], $9::bytea[], $10::int[], $11::bytea[], $12::bytea[], $13::text[], $14::int[],
    $15::int[], $16::text[], $17::int[], $18::uuid[], $19::text[], $20::int[], $21::text, $22::int[], $23::text, $24::text)`,
} as const;

export interface AdmitRow {
  readonly head_position: number;
  readonly head_time: string | null;
  readonly refused_unit: readonly number[];
  readonly refused_cause: readonly string[];
  readonly refused_detail: readonly string[];
}

export interface AppendRow extends AdmitRow {
  /** Of the accepted events, in order; their positions follow `head_position` without a gap. */
  readonly versions: readonly number[];
}
