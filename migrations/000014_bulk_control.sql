-- How a bulk job is to run (when it begins, its share of the workers, how fast at most, how much may go
-- wrong), and for how long what became of its items is kept.

ALTER TABLE bulk_jobs
  -- Nothing of it is queued before.
  ADD COLUMN start_at           timestamptz,
  -- Its share of the workers beside other jobs.
  ADD COLUMN weight             integer NOT NULL DEFAULT 3,
  -- Items a second at most, over all processes; the next may be decided from paced_until on.
  ADD COLUMN max_rate           double precision,
  ADD COLUMN paced_until        timestamptz,
  -- The part of what was decided that may fail or be rejected. It counts from the last resume: what had
  -- gone wrong until then stands in bad_base, what had been decided in rate_base.
  ADD COLUMN max_failure_ratio  double precision,
  ADD COLUMN bad_base           integer NOT NULL DEFAULT 0,
  -- From here on results are answered no more; reduced: chunks and rounds are gone, totals stay.
  ADD COLUMN results_expired_at timestamptz,
  ADD COLUMN reduced            boolean NOT NULL DEFAULT false;

CREATE INDEX bulk_jobs_whole ON bulk_jobs (finished_at) WHERE finished_at IS NOT NULL AND NOT reduced;
