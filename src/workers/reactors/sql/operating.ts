/** What operators see of reactors and do to them. */

/** How each reactor stands, by name. */
export const selectStandings = {
  name: 'reactor_select_standings',
  text: `SELECT r.name, r.position, r.failures, r.paused_at AS "pausedAt", r.paused_reason AS "pausedReason",
      coalesce(d.pending, 0) AS pending, coalesce(d.held, 0) AS held, coalesce(d.dead, 0) AS dead,
      coalesce(d.retrying, 0) AS retrying, d.oldest
    FROM reactors r LEFT JOIN (
      SELECT reactor, count(*) FILTER (WHERE state = 'pending') AS pending, count(*) FILTER (WHERE state = 'held') AS held,
        count(*) FILTER (WHERE state = 'dead') AS dead,
        count(*) FILTER (WHERE state = 'pending' AND failed_at IS NOT NULL) AS retrying, min(position) AS oldest
      FROM reactor_deliveries GROUP BY reactor
    ) d ON d.reactor = r.name ORDER BY r.name`,
} as const;

export interface StandingRow {
  readonly name: string;
  readonly position: number;
  readonly failures: number;
  readonly pausedAt: string | null;
  readonly pausedReason: string | null;
  readonly pending: number;
  readonly held: number;
  readonly dead: number;
  readonly retrying: number;
  readonly oldest: number | null;
}

/** $1 reactor. */
export const selectReactor = {
  name: 'reactor_select',
  text: 'SELECT name, position, paused_at AS "pausedAt" FROM reactors WHERE name = $1',
} as const;

/** $1 reactor, $2 after, $3 limit. `held`: events of its sequence that wait for it. */
export const selectDead = {
  name: 'reactor_select_dead',
  text: `SELECT d.position, e.id, e.type, e.stream, e.recorded_at AS "recordedAt", d.attempts, d.failed_at AS "failedAt",
      d.error_subject AS "errorSubject", d.error,
      (SELECT count(*) FROM reactor_deliveries h
        WHERE h.reactor = d.reactor AND h.sequence = d.sequence AND h.state = 'held') AS held
    FROM reactor_deliveries d JOIN events e ON e.position = d.position
    WHERE d.reactor = $1 AND d.state = 'dead' AND d.position > $2 ORDER BY d.position LIMIT $3`,
} as const;

export interface DeadRow {
  readonly position: number;
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly recordedAt: string;
  readonly attempts: number;
  readonly failedAt: string;
  readonly errorSubject: string | null;
  readonly error: string | null;
  readonly held: number;
}

/** $1 reactor, $2 positions or null for all: attempted anew, with all of their attempts before them. */
export const retryDead = {
  name: 'reactor_retry_dead',
  text: `UPDATE reactor_deliveries SET state = 'pending', attempts = 0, due_at = clock_timestamp(), queued_until = NULL
    WHERE reactor = $1 AND state = 'dead' AND ($2::bigint[] IS NULL OR position = ANY ($2)) RETURNING position`,
} as const;

/** $1 reactor, $2 positions or null for all. */
export const discardDead = {
  name: 'reactor_discard',
  text: 'SELECT position FROM reactor_discard($1, $2::bigint[]) AS position',
} as const;

/** $1 reactor, $2 why it pauses itself, or null. */
export const pauseReactor = {
  name: 'reactor_pause',
  text: `UPDATE reactors SET paused_at = clock_timestamp(), paused_reason = $2 WHERE name = $1 AND paused_at IS NULL`,
} as const;

/** $1 reactor: what waits for its next attempt is attempted at once. */
export const resumeReactor = {
  name: 'reactor_resume',
  text: `WITH due AS (
      UPDATE reactor_deliveries SET due_at = clock_timestamp() WHERE reactor = $1 AND state = 'pending'
        AND due_at > clock_timestamp()
    )
    UPDATE reactors SET paused_at = NULL, paused_reason = NULL, failures = 0 WHERE name = $1 AND paused_at IS NOT NULL`,
} as const;
