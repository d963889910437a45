-- What is behind the last whole segment of the audit index, in a form that is cheaper to write: tokens as eight bytes
-- each, one behind another (big-endian), instead of arrays of bigint. The rows are made again from the log.
DROP TABLE audit_fresh;
CREATE TABLE audit_fresh (
  position bigint PRIMARY KEY,
  tokens   bytea  NOT NULL,
  words    bytea  NOT NULL
);
UPDATE audit_index SET position = segments * 16384::bigint;

-- How often words were removed from the index for somebody who was erased: what a process remembers of the newest part
-- of the log, so as not to read it back, holds words too, and is dropped where this number has moved.
ALTER TABLE audit_index ADD COLUMN forgotten integer NOT NULL DEFAULT 0;
