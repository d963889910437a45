/** Runs, and where the two sides differed. */

/** $1 id, $2 name, $3 now, $4 minutes after which one is due, $5 seconds without a sign of life, $6 due or not. */
export const beginRun = {
  name: 'reconciliation_begin',
  text: `INSERT INTO reconciliation_runs (id, name, started_at, touched_at)
    SELECT $1, $2, $3::timestamptz, clock_timestamp() WHERE NOT EXISTS (
      SELECT FROM reconciliation_runs WHERE name = $2 AND (
        (finished_at IS NULL AND touched_at > clock_timestamp() - make_interval(secs => $5))
        OR (NOT $6 AND failure IS NULL AND started_at > $3::timestamptz - make_interval(mins => $4))))
    RETURNING id`,
} as const;

/** $1 id, $2 compared. */
export const touchRun = {
  name: 'reconciliation_touch',
  text: 'UPDATE reconciliation_runs SET touched_at = clock_timestamp(), compared = $2 WHERE id = $1',
} as const;

/** $1 run, $2 keys, $3 subjects, $4 sealed. */
export const insertDifferences = {
  name: 'reconciliation_insert_differences',
  text: `INSERT INTO reconciliation_differences (run_id, key, subject, sealed)
    SELECT $1, d.* FROM unnest($2::text[], $3::text[], $4::text[]) AS d`,
} as const;

/** $1 id, $2 compared, $3 differing, $4 failure or null. */
export const finishRun = {
  name: 'reconciliation_finish',
  text: `UPDATE reconciliation_runs SET finished_at = clock_timestamp(), compared = $2, differing = $3, failure = $4
    WHERE id = $1`,
} as const;

/** $1 name, $2 how many are kept. */
export const forgetRuns = {
  name: 'reconciliation_forget',
  text: `DELETE FROM reconciliation_runs WHERE name = $1 AND id NOT IN (
      SELECT id FROM reconciliation_runs WHERE name = $1 ORDER BY started_at DESC LIMIT $2)`,
} as const;

const columns = `id, name, started_at AS "startedAt", finished_at AS "finishedAt", compared, differing, failure`;

/** The newest of each. */
export const selectNewest = {
  name: 'reconciliation_select_newest',
  text: `SELECT DISTINCT ON (name) ${columns} FROM reconciliation_runs ORDER BY name, started_at DESC`,
} as const;

/** $1 name: the newest that was finished. */
export const selectFinished = {
  name: 'reconciliation_select_finished',
  text: `SELECT ${columns} FROM reconciliation_runs WHERE name = $1 AND finished_at IS NOT NULL AND failure IS NULL
    ORDER BY started_at DESC LIMIT 1`,
} as const;

/** $1 run, $2 after this key, $3 limit. */
export const selectDifferences = {
  name: 'reconciliation_select_differences',
  text: `SELECT key, subject, sealed FROM reconciliation_differences WHERE run_id = $1 AND key > $2 ORDER BY key LIMIT $3`,
} as const;

export interface RunRow {
  readonly id: string;
  readonly name: string;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly compared: number;
  readonly differing: number;
  readonly failure: string | null;
}

export interface DifferenceRow {
  readonly key: string;
  readonly subject: string;
  readonly sealed: string;
}
