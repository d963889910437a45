/** Reading jobs. While one is open its counters are summed from its chunks: no row that every round updates. */

const columns = `j.id, j.state, j.command, j.source, j.dry_run AS "dryRun", j.requester_id AS "requesterId",
  j.requester_kind AS "requesterKind", j.tool, j.scope, j.reference, j.sealed, j.frozen_at AS "frozenAt",
  j.retry_of AS "retryOf", j.read_as AS "readAs", j.from_job AS "fromJob", j.undo_of AS "undoOf",
  (SELECT u.id FROM bulk_jobs u WHERE u.undo_of = j.id AND NOT u.dry_run AND u.state <> 'staging'
    ORDER BY u.requested_at DESC, u.id DESC LIMIT 1) AS "undoneBy", j.requested_at AS "requestedAt", j.started_at AS "startedAt",
  j.finished_at AS "finishedAt", j.paused_reason AS "pausedReason", j.control_version AS "controlVersion",
  j.total, j.rate_base AS "rateBase", j.start_at AS "startAt", j.weight, j.max_rate AS "maxRate",
  j.max_failure_ratio AS "maxFailureRatio", j.bad_base AS "badBase", j.results_expired_at AS "resultsExpiredAt",
  extract(epoch FROM clock_timestamp() - j.rate_since)::float8 AS "secondsSince",
  extract(epoch FROM j.finished_at - j.started_at)::float8 AS "secondsRun",
  coalesce(j.counted, c.counts, '{}'::json) AS counts, greatest(j.position, c.position) AS position,
  (SELECT json_build_object('expected', sum(x.expected),
      'applied', coalesce((SELECT version FROM events WHERE stream = '$effects-applied-' || j.id
        ORDER BY version DESC LIMIT 1), 0),
      'notApplied', coalesce((SELECT version FROM events WHERE stream = '$effects-not-applied-' || j.id
        ORDER BY version DESC LIMIT 1), 0))
    FROM effect_jobs x WHERE x.job_id = j.id HAVING count(*) > 0) AS effects`;

const chunkSums = `LEFT JOIN LATERAL (
    SELECT json_build_object('succeeded', sum(succeeded), 'unchanged', sum(unchanged), 'rejected', sum(rejected),
      'failed', sum(failed), 'skipped', sum(skipped), 'cancelled', sum(cancelled)) AS counts, max(position) AS position
    FROM bulk_chunks WHERE job_id = j.id
  ) c ON j.counted IS NULL`;

/** $1 ids. */
export const selectJobs = {
  name: 'bulk_select_jobs',
  text: `SELECT ${columns} FROM bulk_jobs j ${chunkSums} WHERE j.id = ANY ($1::text[]) AND j.state <> 'staging'`,
} as const;

/**
 * $1 states or null, $2 command or null, $3 and $4 the last row before (its time and id) or null, $5 limit,
 * $6 requester or null.
 */
export const listJobs = {
  name: 'bulk_list_jobs',
  text: `SELECT ${columns} FROM (
      SELECT * FROM bulk_jobs
      WHERE state <> 'staging' AND ($1::text[] IS NULL OR state = ANY ($1)) AND ($2::text IS NULL OR command = $2)
        AND ($6::text IS NULL OR requester_id = $6)
        AND ($3::timestamptz IS NULL OR (requested_at, id) < ($3, $4))
      ORDER BY requested_at DESC, id DESC LIMIT $5
    ) j ${chunkSums} ORDER BY j.requested_at DESC, j.id DESC`,
} as const;

export interface JobRow {
  readonly id: string;
  readonly state: string;
  readonly command: string;
  readonly source: string;
  readonly dryRun: boolean;
  readonly requesterId: string;
  readonly requesterKind: string;
  readonly tool: string;
  readonly scope: readonly string[] | null;
  readonly reference: string | null;
  readonly sealed: string;
  readonly frozenAt: number | null;
  readonly retryOf: string | null;
  readonly fromJob: string | null;
  readonly undoOf: string | null;
  readonly undoneBy: string | null;
  readonly readAs: Readonly<Record<string, string>> | null;
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly pausedReason: string | null;
  readonly controlVersion: number;
  readonly total: number;
  readonly rateBase: number;
  readonly startAt: string | null;
  readonly weight: number;
  readonly maxRate: number | null;
  readonly maxFailureRatio: number | null;
  readonly badBase: number;
  readonly resultsExpiredAt: string | null;
  readonly secondsSince: number | null;
  readonly secondsRun: number | null;
  readonly counts: Readonly<Record<string, number | null>>;
  readonly position: number;
  /** null: none of its events has an effect that is delivered, as far as the log was read for that. */
  readonly effects: {
    readonly expected: number;
    readonly applied: number;
    readonly notApplied: number;
  } | null;
}
