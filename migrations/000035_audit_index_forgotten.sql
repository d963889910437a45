-- How often words were removed from the index for somebody who was erased: what a process remembers of the newest part
-- of the log, so as not to read it back, holds words too, and is dropped where this number has moved.
ALTER TABLE audit_index ADD COLUMN forgotten integer NOT NULL DEFAULT 0;
