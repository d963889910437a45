-- RECONCILIATION: runs that compare a projection with the product's own rows, and where they differed. The newest
-- runs of each are kept.
CREATE TABLE reconciliation_runs (
  id          text        COLLATE "C" PRIMARY KEY,
  name        text        COLLATE "C" NOT NULL,
  started_at  timestamptz NOT NULL,
  -- A sign of life; a run that shows none has died.
  touched_at  timestamptz NOT NULL,
  finished_at timestamptz,
  -- Keys that were looked at on either side, and those that differ.
  compared    integer     NOT NULL DEFAULT 0,
  differing   integer     NOT NULL DEFAULT 0,
  -- Why it could not be finished, in words of ours.
  failure     text
);
CREATE INDEX reconciliation_runs_newest ON reconciliation_runs (name, started_at DESC);

CREATE TABLE reconciliation_differences (
  run_id  text COLLATE "C" NOT NULL REFERENCES reconciliation_runs (id) ON DELETE CASCADE,
  key     text COLLATE "C" NOT NULL,
  subject text COLLATE "C" NOT NULL,
  -- What each side has, field by field, sealed under the subject's key.
  sealed  text NOT NULL,
  PRIMARY KEY (run_id, key)
);
