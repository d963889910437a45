/** Endpoints that there are, and what was sent to them. */

/** By the index on (stream, version): as many streams as there are endpoints. */
export const selectWebhookStreams = {
  name: 'webhook_select_streams',
  text: `SELECT stream, (array_agg(position ORDER BY version DESC) FILTER (WHERE type IN ('WebhookRegistered', 'WebhookEnabled')))[1] AS since
    FROM events WHERE stream >= 'webhook-' AND stream < 'webhook.' GROUP BY stream`,
} as const;

export interface WebhookStreamRow {
  readonly stream: string;
  /** Position at which it was last enabled. */
  readonly since: number;
}

/** $1 endpoint, $2 position, $3 attempt, $4 duration in ms, $5 status, $6 outcome, $7 failure. */
export const insertDelivery = {
  name: 'webhook_insert_delivery',
  text: `INSERT INTO webhook_deliveries (webhook, position, attempt, attempted_at, duration_ms, status, outcome, failure)
    VALUES ($1, $2, $3, clock_timestamp(), $4, $5, $6, $7)`,
} as const;

/** $1 endpoint, $2 before this number or null, $3 limit, $4 outcome or null, $5 position or null. Newest first. */
export const selectDeliveries = {
  name: 'webhook_select_deliveries',
  text: `SELECT d.number, d.position, e.id AS "eventId", e.type, e.stream, d.attempt, d.attempted_at AS "attemptedAt",
      d.duration_ms AS "durationMs", d.status, d.outcome, d.failure
    FROM webhook_deliveries d LEFT JOIN events e ON e.position = d.position
    WHERE d.webhook = $1 AND ($2::bigint IS NULL OR d.number < $2) AND ($4::text IS NULL OR d.outcome = $4)
      AND ($5::bigint IS NULL OR d.position = $5)
    ORDER BY d.number DESC LIMIT $3`,
} as const;

/** $1 kept of each endpoint, $2 days. */
export const forgetDeliveries = {
  name: 'webhook_forget_deliveries',
  text: `DELETE FROM webhook_deliveries d USING (
      SELECT webhook, (SELECT number FROM webhook_deliveries k WHERE k.webhook = w.webhook
        ORDER BY number DESC OFFSET $1 LIMIT 1) AS last
      FROM (SELECT DISTINCT webhook FROM webhook_deliveries) w
    ) b WHERE d.webhook = b.webhook
      AND (d.number <= b.last OR d.attempted_at < clock_timestamp() - make_interval(days => $2))`,
} as const;
