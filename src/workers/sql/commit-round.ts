/**
 * A whole round in one statement (the function of 000006_bulk_round.sql): $1 job, $2 chunk, $3 our lease, $4
 * rounds as we know them, $5 the job's control version, $6 lease seconds, $7 counts, $8 and $9 outcomes, $10
 * and $11 the record; then what `append_units` takes, the record last and its data an empty text.
 */
export const commitRound = {
  name: 'bulk_commit_round',
  // As for any append: a peer that has gone silent is given up.
  query_timeout: 45_000,
  text: `SELECT * FROM bulk_commit_round($1::text, $2::int, $3::text, $4::int, $5::int, $6::int, $7::int[],
    $8::text, $9::int[], $10::text, $11::int[],
    $12::int[], $13::text[], $14::int[], $15::int[], $16::bytea[], $17::text[], $18::int[], $19::bytea[],
    $20::int[], $21::bytea[], $22::bytea[], $23::text[], $24::int[],
    $25::int[], $26::text[], $27::int[], $28::uuid[], $29::text[], $30::int[], $31::text, $32::int[], $33::text, $34::text)`,
} as const;

export interface CommitRow {
  /** The chunk is not ours any more, or its job was steered. */
  readonly stopped: boolean;
  /** Of the log before the round; null where it stopped. */
  readonly head_position: number | null;
  /** Where any was refused nothing was written. */
  readonly refused_unit: readonly number[] | null;
}
