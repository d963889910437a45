-- Dry runs whose items are run for real, and undoing what a job did.

-- The dry run whose frozen items a job runs, and the job that it undoes.
ALTER TABLE bulk_jobs ADD COLUMN from_job text COLLATE "C";
ALTER TABLE bulk_jobs ADD COLUMN undo_of  text COLLATE "C";

-- A job is undone once: another undo of it may begin only where the one before ended short of its end.
CREATE UNIQUE INDEX bulk_jobs_undone ON bulk_jobs (undo_of)
  WHERE undo_of IS NOT NULL AND NOT dry_run AND state NOT IN ('staging', 'cancelled', 'completed-with-failures', 'failed');
CREATE INDEX bulk_jobs_undo_of ON bulk_jobs (undo_of, requested_at) WHERE undo_of IS NOT NULL AND NOT dry_run;

-- What a round of a dry run adds to its preview, so that looking at it reads no item.
CREATE TABLE bulk_previews (
  job_id text    COLLATE "C" NOT NULL,
  chunk  integer NOT NULL,
  round  integer NOT NULL,
  -- [[event type, how many there would be], …] and [[outcome, code, items], …]
  events json    NOT NULL,
  codes  json    NOT NULL,
  -- A few of its items with the diffs of their states, sealed under the subjects of those.
  sample json,
  PRIMARY KEY (job_id, chunk, round),
  FOREIGN KEY (job_id, chunk, round) REFERENCES bulk_rounds (job_id, chunk, round) ON DELETE CASCADE
);
