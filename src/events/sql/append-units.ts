/**
 * The two statements of appending (functions of 000001_event_log.sql), each one round trip, prepared
 * once a connection, everything passed as arrays.
 */

const conditions = `$1::int[], $2::text[], $3::int[], $4::int[], $5::bytea[], $6::text[],
  $7::int[], $8::bytea[], $9::int[], $10::bytea[]`;

export const admitUnits = {
  name: 'admit_units',
  text: `SELECT * FROM admit_units(${conditions})`,
} as const;

export const appendUnits = {
  name: 'append_units',
  text: `SELECT * FROM append_units(${conditions}, $11::bytea[], $12::text[], $13::int[],
    $14::int[], $15::text[], $16::uuid[], $17::text[], $18::int[], $19::text[], $20::int[], $21::text[], $22::text[])`,
} as const;

export interface AdmitRow {
  readonly head_position: number;
  readonly head_time: string | null;
  readonly refused_unit: readonly number[];
  readonly refused_cause: readonly string[];
  readonly refused_detail: readonly string[];
}

export interface AppendRow extends AdmitRow {
  readonly head_time: string;
  /** Of the accepted events, in order; their positions follow `head_position` without a gap. */
  readonly versions: readonly number[];
}
