/**
 * What streams held before given events, in one round trip: $1 positions of the events, $2 for each the version
 * after which to go on (0: from the beginning), $3 events of a page. An event without anything before it has one
 * row whose `type` is null; a position without an event has none.
 */
export const selectBefore = {
  name: 'select_before',
  text: `
    SELECT w.nth::int AS nth, coalesce(e.position, 0) AS position, at.stream, at.version AS "atVersion",
      e.version, e.type, e.schema_version AS "schemaVersion", e.data
    FROM unnest($1::bigint[], $2::int[]) WITH ORDINALITY AS w (position, after, nth)
    JOIN events at ON at.position = w.position
    LEFT JOIN LATERAL (
      SELECT position, version, type, schema_version, data FROM events
      WHERE stream = at.stream AND version > w.after AND version < at.version ORDER BY version LIMIT $3
    ) e ON true
    ORDER BY nth, e.version`,
} as const;

export interface BeforeRow {
  /** Index of the position among those asked for, from 1. */
  readonly nth: number;
  /** 0 where there is nothing before it. */
  readonly position: number;
  readonly stream: string;
  /** Version of the event itself. */
  readonly atVersion: number;
  readonly version: number | null;
  readonly type: string | null;
  readonly schemaVersion: number | null;
  readonly data: Readonly<Record<string, unknown>> | null;
}
