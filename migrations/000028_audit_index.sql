-- The index of the audit search: which positions have which attribute (docs/decisions/0024). It is made from
-- the log alone by a reader with a checkpoint, and can be thrown away and made again.
--
-- The log is cut into segments of 16,384 positions. What is in a whole segment stands in postings: a row for
-- each value that is frequent there (key ≥ 0: its token; a bitmap or a list of offsets), and 2,048 rows that
-- share all the others (key < 0: pairs of token and offset). What is behind the last whole segment stands in
-- audit_fresh, a row an event.

CREATE TABLE audit_index (
  one_row    boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
  -- Of the attributes: another version is made anew from the beginning.
  version    integer     NOT NULL,
  -- The checkpoint: everything up to here is in the index.
  position   bigint      NOT NULL DEFAULT 0,
  -- Whole segments; they hold the positions 1 … segments × 16,384.
  segments   integer     NOT NULL DEFAULT 0,
  error      text,
  updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

CREATE TABLE audit_postings (
  key      bigint  NOT NULL,
  segment  integer NOT NULL,
  postings bytea   NOT NULL,
  PRIMARY KEY (key, segment)
) WITH (toast_tuple_target = 4080);
-- They do not compress, and a search reads them by the hundred.
ALTER TABLE audit_postings ALTER COLUMN postings SET STORAGE EXTERNAL;

-- The same of the words of reasons, whose tokens are keyed; apart, because those of a person are removed when
-- the person is erased.
CREATE TABLE audit_words (
  key      bigint  NOT NULL,
  segment  integer NOT NULL,
  postings bytea   NOT NULL,
  PRIMARY KEY (key, segment)
) WITH (toast_tuple_target = 4080);
ALTER TABLE audit_words ALTER COLUMN postings SET STORAGE EXTERNAL;
CREATE INDEX audit_words_segment ON audit_words (segment);

CREATE TABLE audit_fresh (
  position bigint   PRIMARY KEY,
  tokens   bigint[] NOT NULL,
  words    bigint[] NOT NULL
);
