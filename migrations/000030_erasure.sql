-- LAWFUL ERASURE: by which master key each key of personal data is wrapped, so that a master key is changed while
-- everything runs, and which subjects were erased and how far the copies of their data are scrubbed.

-- null: wrapped before master keys had names.
ALTER TABLE subject_keys ADD COLUMN wrapped_by text COLLATE "C";
-- No index on it: new subjects would pay for it with every append, and wrapping anew goes by the primary key.

-- Written in the transaction that destroys the key. The subject's data itself is nowhere in it.
CREATE TABLE erasures (
  subject     text COLLATE "C" PRIMARY KEY,
  -- Name of its tombstone in the mirror.
  tombstone   text COLLATE "C" NOT NULL UNIQUE,
  -- Of the event that recorded it.
  position    bigint NOT NULL,
  -- Kinds of copies scrubbed so far, each with how many there were.
  counts      jsonb  NOT NULL DEFAULT '{}',
  lease_until timestamptz,
  scrubbed_at timestamptz
);
CREATE INDEX erasures_unfinished ON erasures (position) WHERE scrubbed_at IS NULL;

CREATE INDEX stream_snapshots_subject ON stream_snapshots (subject);
CREATE INDEX reactor_deliveries_error_subject ON reactor_deliveries (error_subject) WHERE error_subject IS NOT NULL;
CREATE INDEX reconciliation_differences_subject ON reconciliation_differences (subject);
