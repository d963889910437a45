-- The catalogue of read models: which table answers for which projection, and how far it has come. The
-- tables themselves are made by the application in the schema read_models, from the definitions.

CREATE TABLE projections (
  id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name         text        COLLATE "C" NOT NULL,
  version      integer     NOT NULL,
  -- Of the table's columns: the same version with other columns is another table.
  shape_hash   text        COLLATE "C" NOT NULL,
  -- [{name, kind, required}]: what a program with a newer definition may read of this table.
  columns      json        NOT NULL,
  table_name   text        COLLATE "C" NOT NULL
               GENERATED ALWAYS AS (replace(name, '-', '_') || '_v' || version || '_' || id) STORED,
  -- building: being filled beside the live one; snapshot: of the log up to `up_to`, for reads as of then.
  state        text        COLLATE "C" NOT NULL CHECK (state IN ('building', 'live', 'retired', 'snapshot')),
  -- The checkpoint: the log is folded into the table up to here, in the same transaction.
  position     bigint      NOT NULL DEFAULT 0,
  up_to        bigint      CHECK ((up_to IS NOT NULL) = (state = 'snapshot')),
  -- Why it stopped.
  error        text,
  created_at   timestamptz NOT NULL DEFAULT now(),
  updated_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now()
  -- Room on the page, so that checkpoints, which change with every batch, are updated in place.
) WITH (fillfactor = 50);

CREATE UNIQUE INDEX projections_live ON projections (name) WHERE state = 'live';
CREATE UNIQUE INDEX projections_building ON projections (name) WHERE state = 'building';
CREATE UNIQUE INDEX projections_snapshot ON projections (name, version, shape_hash, up_to) WHERE state = 'snapshot';
