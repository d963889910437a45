-- THE LOG: one append-only table, partitioned by position, guarded by triggers on every partition and
-- written by one set-based function; beside it what an append decides on (claims, idempotency keys) and
-- what a read starts from (stream snapshots, keys of personal data).

CREATE TABLE events (
  position       bigint      NOT NULL,
  id             uuid        NOT NULL,
  stream         text        COLLATE "C" NOT NULL,
  version        integer     NOT NULL,
  type           text        COLLATE "C" NOT NULL,
  schema_version integer     NOT NULL,
  -- json, not jsonb: kept to the byte as written, cheaper to insert and to hand out; hashes are over it.
  data           json        NOT NULL,
  metadata       json        NOT NULL,
  recorded_at    timestamptz NOT NULL,
  PRIMARY KEY (position)
) PARTITION BY RANGE (position);

CREATE INDEX events_stream_version ON events (stream, version);

CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the event log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON events
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events();

CREATE FUNCTION event_partition_size() RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 2000000::bigint';

-- Makes the partitions that hold the positions up to the head and `ahead` partitions beyond. Statement
-- triggers are not inherited by partitions, so each gets its own. ATTACH (unlike CREATE … PARTITION OF)
-- takes no lock that an insert or a reader would wait for. Returns how many were made.
CREATE FUNCTION ensure_event_partitions(ahead integer) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  size  bigint := public.event_partition_size();
  head  bigint;
  last  bigint;
  made  integer := 0;
  name  text;
BEGIN
  IF ahead < 1 OR ahead > 100 THEN RAISE EXCEPTION 'ahead must be 1 to 100, not %', ahead; END IF;
  PERFORM pg_advisory_xact_lock(7400, 2);
  SELECT coalesce(max(position), 0) INTO head FROM public.events;
  -- Behind the last one there is, by its number: partitions that were detached leave no hole to be filled.
  SELECT coalesce(max(substring(c.relname FROM '^events_p([0-9]+)$')::bigint) + 1, 0) INTO last
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'public.events'::regclass;
  FOR n IN last .. (head / size) + ahead LOOP
    name := format('events_p%s', lpad(n::text, 6, '0'));
    EXECUTE format('CREATE TABLE public.%I (LIKE public.events INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE public.%I ADD CONSTRAINT bounds CHECK (position >= %s AND position < %s)',
                   name, n * size, (n + 1) * size);
    EXECUTE format('ALTER TABLE public.events ATTACH PARTITION public.%I FOR VALUES FROM (%s) TO (%s)',
                   name, n * size, (n + 1) * size);
    EXECUTE format('ALTER TABLE public.%I DROP CONSTRAINT bounds', name);
    EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON public.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_events()', name);
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;

REVOKE EXECUTE ON FUNCTION ensure_event_partitions(integer) FROM PUBLIC;
SELECT ensure_event_partitions(2);

-- Something only one may hold at a time (a name, an address), as an HMAC of it.
CREATE TABLE claims (
  key  bytea PRIMARY KEY,
  code text  NOT NULL
);

-- An idempotency key that a client sent, as an HMAC of (principal, tool, key), with the answer to replay.
CREATE TABLE idempotency_keys (
  key            bytea       PRIMARY KEY,
  fingerprint    bytea       NOT NULL,
  answer         json        NOT NULL,
  first_position bigint      NOT NULL,
  recorded_at    timestamptz NOT NULL
);
CREATE INDEX idempotency_keys_recorded_at ON idempotency_keys (recorded_at);

-- One data key a subject, wrapped by the master key; NULL once it was destroyed.
CREATE TABLE subject_keys (
  subject    text COLLATE "C" PRIMARY KEY,
  wrapped    bytea,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- State of a long stream at a version, as one folding sees it, sealed under its subject's key.
CREATE TABLE stream_snapshots (
  stream        text COLLATE "C" NOT NULL,
  folding       text COLLATE "C" NOT NULL,
  state_version integer NOT NULL,
  version       integer NOT NULL,
  position      bigint  NOT NULL,
  subject       text COLLATE "C" NOT NULL,
  sealed        text    NOT NULL,
  PRIMARY KEY (stream, folding)
);

-- Which environment this database belongs to; a restored copy elsewhere is told by the mismatch.
CREATE TABLE environment (
  one_row    boolean PRIMARY KEY DEFAULT true CHECK (one_row),
  name       text NOT NULL,
  adopted_at timestamptz NOT NULL DEFAULT now()
);

-- Appends units, each accepted or refused on its own; with admit_only, tells which would be refused and
-- where the log stands, writes nothing, and keeps the append lock until the transaction ends.
--   q_*: conditions: the stream must be at exactly this version (base of a write, or version of a read)
--   c_*: claims to take;  x_*: claims that the unit releases
--   k_*: idempotency keys to use; k_first: index (from 0) of the event of its unit at which the key's own
--        answer begins
--   e_*: events in order, unit by unit; e_own completes m_common[e_common] to the metadata's text, so
--        that what a batch has in common travels once
-- Positions follow the last one without a gap. recorded_at is the clock's, but at least a microsecond
-- after the event before, so that a time maps to exactly one position.
--
-- One function with few statements: every nested function call and every further statement costs more
-- than the events of a small batch do. Generic plans, because knowing the arrays' lengths makes no plan
-- better, and planning anew was the larger half of an append.
CREATE FUNCTION append_units(
  admit_only boolean,
  q_unit integer[], q_stream text[], q_version integer[],
  c_unit integer[], c_key bytea[], c_code text[],
  x_unit integer[], x_key bytea[],
  k_unit integer[], k_key bytea[], k_fingerprint bytea[], k_answer text[], k_first integer[],
  e_unit integer[], e_stream text[], e_id uuid[], e_type text[], e_schema integer[], e_data text[],
  e_common integer[], e_own text[], m_common text[],
  OUT head_position bigint, OUT head_time timestamptz, OUT versions integer[],
  OUT refused_unit integer[], OUT refused_cause text[], OUT refused_detail text[]
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  -- The lock first, everything else in later statements: under READ COMMITTED each has a snapshot of its
  -- own, so that what the previous holder committed is seen. (A counter row instead of the lock bloats
  -- under any long snapshot: measured 1,226 down to 314 batches/s.)
  PERFORM pg_advisory_xact_lock(7400, 1);
  SELECT e.position, e.recorded_at INTO head_position, head_time FROM events e ORDER BY e.position DESC LIMIT 1;
  head_position := coalesce(head_position, 0);

  SELECT coalesce(array_agg(q.unit), '{}'), coalesce(array_agg('conflict'::text), '{}'), coalesce(array_agg(q.stream), '{}')
    INTO refused_unit, refused_cause, refused_detail
    FROM unnest(q_unit, q_stream, q_version) AS q (unit, stream, version)
    WHERE q.version <> coalesce(
      (SELECT e.version FROM events e WHERE e.stream = q.stream ORDER BY e.version DESC LIMIT 1), 0);
  IF cardinality(c_key) > 0 THEN
    SELECT refused_unit || coalesce(array_agg(c.unit), '{}'), refused_cause || coalesce(array_agg('claimed'::text), '{}'),
           refused_detail || coalesce(array_agg(c.code), '{}')
      INTO refused_unit, refused_cause, refused_detail
      FROM unnest(c_unit, c_key, c_code) AS c (unit, key, code)
      WHERE c.key IN (SELECT key FROM claims)
        AND NOT EXISTS (SELECT FROM unnest(x_unit, x_key) AS x (unit, key) WHERE x.unit = c.unit AND x.key = c.key);
  END IF;
  IF cardinality(k_key) > 0 THEN
    SELECT refused_unit || coalesce(array_agg(k.unit), '{}'), refused_cause || coalesce(array_agg('duplicate'::text), '{}'),
           refused_detail || coalesce(array_agg(encode(k.key, 'hex')), '{}')
      INTO refused_unit, refused_cause, refused_detail
      FROM unnest(k_unit, k_key) AS k (unit, key)
      WHERE EXISTS (SELECT FROM idempotency_keys i WHERE i.key = k.key);
  END IF;
  IF admit_only THEN RETURN; END IF;

  head_time := greatest(clock_timestamp(), head_time + interval '1 microsecond');
  WITH given AS MATERIALIZED (
    SELECT e.*, row_number() OVER (ORDER BY e.ord) AS nth,
           row_number() OVER (PARTITION BY e.stream ORDER BY e.ord) AS nth_of_stream
    FROM unnest(e_unit, e_stream, e_id, e_type, e_schema, e_data, e_common, e_own) WITH ORDINALITY
      AS e (unit, stream, id, type, schema, data, common, own, ord)
    WHERE e.unit <> ALL (refused_unit)
  ), heads AS MATERIALIZED (
    SELECT s.stream, coalesce(
      (SELECT e.version FROM events e WHERE e.stream = s.stream ORDER BY e.version DESC LIMIT 1), 0) AS version
    FROM (SELECT DISTINCT stream FROM given) s
  ), written AS (
    INSERT INTO events (position, id, stream, version, type, schema_version, data, metadata, recorded_at)
    SELECT head_position + g.nth, g.id, g.stream, h.version + g.nth_of_stream, g.type, g.schema, g.data::json,
           (m_common[g.common] || g.own)::json, head_time + (g.nth - 1) * interval '1 microsecond'
    FROM given g JOIN heads h USING (stream)
    RETURNING position, version
  )
  SELECT coalesce(array_agg(w.version ORDER BY w.position), '{}') INTO versions FROM written w;

  IF cardinality(x_key) > 0 THEN
    DELETE FROM claims WHERE key IN (
      SELECT x.key FROM unnest(x_unit, x_key) AS x (unit, key) WHERE x.unit <> ALL (refused_unit));
  END IF;
  IF cardinality(c_key) > 0 THEN
    INSERT INTO claims (key, code)
      SELECT c.key, c.code FROM unnest(c_unit, c_key, c_code) AS c (unit, key, code) WHERE c.unit <> ALL (refused_unit);
  END IF;
  IF cardinality(k_key) > 0 THEN
    INSERT INTO idempotency_keys (key, fingerprint, answer, first_position, recorded_at)
      SELECT k.key, k.fingerprint, k.answer::json,
             head_position + k.first + 1 + (
               SELECT count(*) FROM unnest(e_unit) AS e (unit) WHERE e.unit < k.unit AND e.unit <> ALL (refused_unit)),
             head_time
      FROM unnest(k_unit, k_key, k_fingerprint, k_answer, k_first) AS k (unit, key, fingerprint, answer, first)
      WHERE k.unit <> ALL (refused_unit);
  END IF;
END $$;

-- The last position recorded at or before a moment: recorded_at grows with position, so a binary search
-- over the primary key needs no index on time.
CREATE FUNCTION position_at(moment timestamptz) RETURNS bigint LANGUAGE plpgsql STABLE AS $$
DECLARE
  low  bigint;
  high bigint;
  mid  bigint;
  at   timestamptz;
BEGIN
  SELECT coalesce(min(position), 1) - 1, coalesce(max(position), 0) INTO low, high FROM events;
  WHILE low < high LOOP
    mid := (low + high + 1) / 2;
    SELECT recorded_at INTO at FROM events WHERE position = mid;
    IF at <= moment THEN low := mid; ELSE high := mid - 1; END IF;
  END LOOP;
  RETURN low;
END $$;
