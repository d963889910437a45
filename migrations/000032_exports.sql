-- EXPORTS: copies of a projection that are made as jobs. PostgreSQL says what is unfinished and which file counts;
-- the file itself lies elsewhere, encrypted under a key of its own in subject_keys, '$export:<id>'.
CREATE TABLE exports (
  id               text        COLLATE "C" PRIMARY KEY,
  projection       text        COLLATE "C" NOT NULL,
  format           text        NOT NULL,
  -- Of CSV: whether text that a spreadsheet would run is marked for people, or left as it is.
  escape           text        NOT NULL,
  fields           text[]      NOT NULL,
  -- Label and filter, which may name people: sealed under the requester's key.
  sealed           text        NOT NULL,
  state            text        NOT NULL,
  requester_id     text        COLLATE "C" NOT NULL,
  requester_kind   text        NOT NULL,
  tool             text        NOT NULL,
  -- What the tool was allowed at acceptance; null: it narrowed nothing.
  scope            text[],
  requested_at     timestamptz NOT NULL,
  started_at       timestamptz,
  finished_at      timestamptz,
  -- From here on there is no file.
  expires_at       timestamptz,
  -- Where the request stands in the log: rows are of this position or a later one.
  accepted_at      bigint      NOT NULL,
  -- The position that the rows are of; null until it is known.
  position         bigint,
  total            bigint,
  rows             bigint      NOT NULL DEFAULT 0,
  -- The rows that the requester reached when they were read: a download needs to reach them all. As it was written:
  -- it is compared as text.
  reached          json,
  -- Of the file as it is downloaded.
  file             text,
  bytes            bigint,
  sha256           text,
  -- Why it failed: a code of ours and words for people.
  error            jsonb,
  attempts         integer     NOT NULL DEFAULT 0,
  lease            text,
  lease_until      timestamptz,
  queued_until     timestamptz,
  -- Of one that ended without a file: its key is destroyed, and nothing lies of it in storage.
  cleared          boolean     NOT NULL DEFAULT false
);
CREATE INDEX exports_newest ON exports (requested_at DESC, id DESC);
CREATE INDEX exports_of_requester ON exports (requester_id, requested_at DESC, id DESC);
CREATE INDEX exports_unfinished ON exports (requested_at) WHERE state IN ('accepted', 'running');
CREATE INDEX exports_to_clear ON exports (finished_at)
  WHERE state IN ('failed', 'cancelled', 'expired') AND NOT cleared;
CREATE INDEX exports_to_expire ON exports (expires_at) WHERE state = 'completed';
