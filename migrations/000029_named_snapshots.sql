-- Moments of the log whose rows are kept under a name: the read models as of a position stand in tables of the
-- state 'snapshot', as for any read as of a moment, and are not swept as long as a name holds their position.

CREATE TABLE named_snapshots (
  name       text        COLLATE "C" PRIMARY KEY,
  position   bigint      NOT NULL,
  -- Projections, as name and version, whose tables are whole, with their indexes.
  built      text[]      NOT NULL DEFAULT '{}',
  ready      boolean     NOT NULL DEFAULT false,
  -- The opaque id of who asked for it.
  made_by    text        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL
);
CREATE INDEX named_snapshots_position ON named_snapshots (position);
