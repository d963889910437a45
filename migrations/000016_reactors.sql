-- REACTORS: how far each has read the log, and what it has not finished yet. PostgreSQL says what is left to
-- do; the queue only carries it.
--
-- A row of reactor_deliveries is one event that one reactor has still to handle: it is written when the relay
-- reads the event and deleted when the handler succeeded, so the table holds what is outstanding and no
-- history. How much a reactor may have outstanding is bounded; beyond it its checkpoint waits.

CREATE TABLE reactors (
  name          text        COLLATE "C" PRIMARY KEY,
  -- Every event up to here was read for it.
  position      bigint      NOT NULL,
  -- Attempts that failed since the last one that succeeded.
  failures      integer     NOT NULL DEFAULT 0,
  paused_at     timestamptz,
  -- Why it paused itself; NULL where somebody paused it.
  paused_reason text        COLLATE "C",
  created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reactor_deliveries (
  reactor       text        COLLATE "C" NOT NULL REFERENCES reactors (name) ON DELETE CASCADE,
  position      bigint      NOT NULL,
  -- What must be handled in order; NULL where nothing must.
  sequence      text        COLLATE "C",
  -- held: an earlier one of its sequence is not finished. dead: given up until somebody says otherwise.
  state         text        COLLATE "C" NOT NULL CHECK (state IN ('pending', 'held', 'dead')),
  attempts      integer     NOT NULL DEFAULT 0,
  due_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Until when the queue is trusted to hold it.
  queued_until  timestamptz,
  -- The process that works on it, and until when that is believed. With the number of the attempt it names one
  -- attempt: what a process that was taken for dead still writes does not count.
  lease         text        COLLATE "C",
  lease_until   timestamptz,
  failed_at     timestamptz,
  -- What the last attempt failed of, sealed under the key of whom the event is about: it may quote them.
  error_subject text        COLLATE "C",
  error         text,
  PRIMARY KEY (reactor, position)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
CREATE INDEX reactor_deliveries_pending ON reactor_deliveries (reactor, position) WHERE state = 'pending';
CREATE INDEX reactor_deliveries_dead ON reactor_deliveries (reactor, position) WHERE state = 'dead';
CREATE INDEX reactor_deliveries_sequence ON reactor_deliveries (reactor, sequence, position)
  WHERE sequence IS NOT NULL;

-- Whether an event waits for an earlier one of its sequence is decided when it is read, and undone when that
-- one is finished. The two must not pass each other: reading takes this lock alone, finishing shares it. Each
-- is a statement of its own, so that under READ COMMITTED the next one sees what the other committed.
CREATE FUNCTION reactor_lock(names text[], alone boolean) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  name text;
BEGIN
  FOR name IN SELECT DISTINCT n FROM unnest(names) AS n ORDER BY n LOOP
    IF alone THEN PERFORM pg_advisory_xact_lock(7401, hashtext(name));
    ELSE PERFORM pg_advisory_xact_lock_shared(7401, hashtext(name));
    END IF;
  END LOOP;
END $$;

-- Takes over a page of the log for those of `names` whose checkpoint is still `from_position`: another process
-- may have been faster. d_*: what they have to handle of it, by position. Returns how many were moved on.
CREATE FUNCTION reactor_admit(
  names text[], from_position bigint, up_to bigint, d_reactor text[], d_position bigint[], d_sequence text[]
) RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  admitted text[];
BEGIN
  PERFORM reactor_lock(names, true);
  SELECT coalesce(array_agg(r.name), '{}') INTO admitted FROM reactors r
    WHERE r.name = ANY (names) AND r.position = from_position AND r.paused_at IS NULL;
  INSERT INTO reactor_deliveries (reactor, position, sequence, state)
    SELECT d.reactor, d.position, d.sequence,
      CASE WHEN d.sequence IS NOT NULL AND (
          row_number() OVER (PARTITION BY d.reactor, d.sequence ORDER BY d.position) > 1
          OR EXISTS (SELECT FROM reactor_deliveries e WHERE e.reactor = d.reactor AND e.sequence = d.sequence))
        THEN 'held' ELSE 'pending' END
    FROM unnest(d_reactor, d_position, d_sequence) AS d (reactor, position, sequence)
    WHERE d.reactor = ANY (admitted)
    ON CONFLICT DO NOTHING;
  UPDATE reactors SET position = up_to WHERE name = ANY (admitted);
  RETURN cardinality(admitted);
END $$;

-- Attempts that succeeded: forgets them and lets the next of their sequences go. Returns how many it let go.
CREATE FUNCTION reactor_done(d_reactor text[], d_position bigint[], d_lease text[], d_attempt integer[])
RETURNS integer LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  freed integer;
BEGIN
  PERFORM reactor_lock(d_reactor, false);
  WITH done AS (
    DELETE FROM reactor_deliveries d
    USING unnest(d_reactor, d_position, d_lease, d_attempt) AS g (reactor, position, lease, attempt)
    WHERE d.reactor = g.reactor AND d.position = g.position AND d.lease = g.lease AND d.attempts = g.attempt
    RETURNING d.reactor, d.sequence
  ), following AS (
    SELECT done.reactor, (
      SELECT min(h.position) FROM reactor_deliveries h
      WHERE h.reactor = done.reactor AND h.sequence = done.sequence AND h.state = 'held') AS position
    FROM done WHERE done.sequence IS NOT NULL
  )
  UPDATE reactor_deliveries h SET state = 'pending', due_at = clock_timestamp()
    FROM following f WHERE h.reactor = f.reactor AND h.position = f.position;
  GET DIAGNOSTICS freed = ROW_COUNT;
  UPDATE reactors r SET failures = 0 FROM (
      SELECT name FROM reactors WHERE name = ANY (d_reactor) AND failures > 0 ORDER BY name FOR UPDATE
    ) f WHERE r.name = f.name;
  RETURN freed;
END $$;

-- Gives dead letters up for good ($2: these, or all) and lets the next of their sequences go. Returns them.
CREATE FUNCTION reactor_discard(of_reactor text, positions bigint[]) RETURNS SETOF bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM reactor_lock(ARRAY[of_reactor], false);
  RETURN QUERY
    WITH gone AS (
      DELETE FROM reactor_deliveries d
      WHERE d.reactor = of_reactor AND d.state = 'dead' AND (positions IS NULL OR d.position = ANY (positions))
      RETURNING d.position, d.sequence
    ), freed AS (
      UPDATE reactor_deliveries h SET state = 'pending', due_at = clock_timestamp() FROM (
          SELECT (SELECT min(e.position) FROM reactor_deliveries e
            WHERE e.reactor = of_reactor AND e.sequence = gone.sequence AND e.state = 'held') AS position
          FROM gone WHERE gone.sequence IS NOT NULL
        ) f WHERE h.reactor = of_reactor AND h.position = f.position
    )
    SELECT gone.position FROM gone ORDER BY gone.position;
END $$;
