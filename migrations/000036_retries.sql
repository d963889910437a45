-- Each item of a retry says in its chunk (`r`) which item of the job that was tried first it is, so that none takes effect
-- in two retries. They are looked for at each retry, the last time while all appends wait.
CREATE INDEX bulk_jobs_retry_of ON bulk_jobs (retry_of) WHERE retry_of IS NOT NULL;
