-- Where in the archive an event lies, whose partition was moved there: files are gzip members of some hundred events
-- each, so that one can be read without the two million of its file. A partition that was moved has another in its
-- place, whose rows say everything but data, which is null in JSON there, and all of metadata but two ids (decision 36).
CREATE TABLE archived_members (
  -- Of the first event of the member, and of its last.
  first_position bigint  PRIMARY KEY,
  last_position  bigint  NOT NULL,
  file           text    NOT NULL,
  -- Bytes of the file.
  starts_at      bigint  NOT NULL,
  bytes          integer NOT NULL
);

-- Partitions of which the archive has data and metadata, and this database the rest. Written with the change itself.
CREATE TABLE moved_partitions (
  -- Positions from the first up to and without the end.
  first_position bigint PRIMARY KEY,
  end_position   bigint NOT NULL
);
