-- A row with the columns and indexes of an event; the database gives the position, as a sequence does.
CREATE TABLE entries (
  position       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id             uuid        NOT NULL,
  stream         text        COLLATE "C" NOT NULL,
  version        integer     NOT NULL,
  type           text        COLLATE "C" NOT NULL,
  schema_version integer     NOT NULL,
  data           json        NOT NULL,
  metadata       json        NOT NULL,
  recorded_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX entries_stream_version ON entries (stream, version);
