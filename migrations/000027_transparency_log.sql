-- The verifiable log: hashes of events in a Merkle tree, as tiles of 256, and what was signed of it. The
-- sealer writes both; a tile only ever grows, whoever asks.

CREATE TABLE log_tiles (
  -- Level L holds hashes of subtrees of 256^L events.
  level  smallint NOT NULL CHECK (level >= 0),
  index  bigint   NOT NULL CHECK (index >= 0),
  hashes bytea    NOT NULL CHECK (octet_length(hashes) BETWEEN 32 AND 8192 AND octet_length(hashes) % 32 = 0),
  PRIMARY KEY (level, index)
);
-- Hashes do not compress.
ALTER TABLE log_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

CREATE FUNCTION refuse_change_of_tiles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.level = OLD.level AND NEW.index = OLD.index
     AND substring(NEW.hashes FOR octet_length(OLD.hashes)) = OLD.hashes THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'what was sealed is never changed: % of tile %/% is refused', TG_OP, OLD.level, OLD.index
    USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER grow_only BEFORE UPDATE OR DELETE ON log_tiles
  FOR EACH ROW EXECUTE FUNCTION refuse_change_of_tiles();
CREATE FUNCTION refuse_truncate_of_tiles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'what was sealed is never changed: TRUNCATE is refused' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER keep_all BEFORE TRUNCATE ON log_tiles
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate_of_tiles();

CREATE TABLE log_checkpoints (
  -- Events in the tree, and so the position of the last.
  size      bigint      PRIMARY KEY CHECK (size >= 0),
  origin    text        COLLATE "C" NOT NULL,
  root      bytea       NOT NULL CHECK (octet_length(root) = 32),
  -- The whole signed note.
  note      text        NOT NULL,
  signed_at timestamptz NOT NULL
);
CREATE INDEX log_checkpoints_signed_at ON log_checkpoints (signed_at);

-- Keys that have signed, newest last: a checkpoint of an old key is checked with that key.
CREATE TABLE log_keys (
  nth        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  vkey       text        COLLATE "C" NOT NULL UNIQUE,
  first_size bigint      NOT NULL,
  added_at   timestamptz NOT NULL DEFAULT now()
);

-- Tells this log from every other, also from one of the same environment that was begun anew.
CREATE TABLE log_identity (
  one_row        boolean PRIMARY KEY DEFAULT true CHECK (one_row),
  id             text    COLLATE "C" NOT NULL,
  -- Data and metadata of events behind this position are stored as canonical JSON.
  canonical_from bigint  NOT NULL
);
INSERT INTO log_identity (id, canonical_from)
  SELECT left(replace(gen_random_uuid()::text, '-', ''), 16), coalesce(max(position), 0) FROM events;
