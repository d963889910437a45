-- EFFECTS: how many events of a bulk job a delivered effect has to settle. Written where the reactor's checkpoint
-- moves on, so that it is whole once that lies behind the job. What is settled is not counted here: it is the
-- version of the job's streams $effects-applied-<id> and $effects-not-applied-<id>.
CREATE TABLE effect_jobs (
  job_id   text    COLLATE "C" NOT NULL,
  reactor  text    COLLATE "C" NOT NULL,
  expected integer NOT NULL,
  PRIMARY KEY (job_id, reactor)
);

DROP FUNCTION reactor_admit(text[], bigint, bigint, text[], bigint[], text[]);

-- As before; j_*: of which bulk jobs how many events each has to settle.
CREATE FUNCTION reactor_admit(
  names text[], from_position bigint, up_to bigint, d_reactor text[], d_position bigint[], d_sequence text[],
  j_reactor text[], j_job text[], j_count integer[]
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
  INSERT INTO effect_jobs AS e (job_id, reactor, expected)
    SELECT j.job, j.reactor, j.count FROM unnest(j_reactor, j_job, j_count) AS j (reactor, job, count)
    WHERE j.reactor = ANY (admitted)
    ON CONFLICT (job_id, reactor) DO UPDATE SET expected = e.expected + excluded.expected;
  UPDATE reactors SET position = up_to WHERE name = ANY (admitted);
  RETURN cardinality(admitted);
END $$;
