-- A round of bulk work in one statement, which is its own transaction: six round trips become one, and the
-- append lock is held while the database works, not while the process does other things in between.
--
-- Locks the chunk (it must be pending, ours and at the round we believe, and the job must be as it was:
-- else `stopped`), then takes the append lock and admits. Where a unit is refused nothing is written, and
-- the caller decides what to do about it. Else the events are appended, the last of which records the
-- round, and the outcomes are kept.
--   counts: succeeded, unchanged, rejected, failed, skipped
--   outcome_*, record_*: JSON texts in pieces, one a line, between which positions stand; these are counted
--        from the head of the log, which nobody knows before the lock is held
--   q_* to m_*: as append_units takes them; the record's own line of e_data_lines is the last and empty
CREATE FUNCTION bulk_commit_round(
  job text, nth integer, ours text, rounds_known integer, control integer, lease_seconds integer, counts integer[],
  outcome_lines text, outcome_ahead integer[], record_lines text, record_ahead integer[],
  q_unit integer[], q_stream text[], q_version integer[],
  c_unit integer[], c_key bytea[], c_code text[],
  x_unit integer[], x_key bytea[],
  k_unit integer[], k_key bytea[], k_fingerprint bytea[], k_answer text[], k_first integer[],
  e_unit integer[], e_stream text[], e_version integer[], e_id uuid[], e_type text[], e_schema integer[], e_data_lines text,
  e_common integer[], e_own_lines text, m_common_lines text,
  OUT stopped boolean, OUT head_position bigint, OUT refused_unit integer[]
) LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  last integer := cardinality(e_stream);
BEGIN
  PERFORM FROM bulk_chunks c
    WHERE c.job_id = job AND c.chunk = nth AND c.state = 'pending' AND c.lease = ours AND c.rounds = rounds_known
      AND EXISTS (SELECT FROM bulk_jobs j WHERE j.id = job AND j.control_version = control)
    FOR UPDATE OF c;
  stopped := NOT FOUND;
  IF stopped THEN RETURN; END IF;

  SELECT a.head_position, a.refused_unit INTO head_position, refused_unit
    FROM append_units(true, q_unit, q_stream, q_version, c_unit, c_key, c_code, x_unit, x_key,
      k_unit, k_key, k_fingerprint, k_answer, k_first, '{}', '{}', '{}', '{}', '{}', '{}', '', '{}', '', '') a;
  IF cardinality(refused_unit) > 0 THEN RETURN; END IF;

  -- Versions are conditions no more, now that the lock is held; and the record's is found here, once.
  e_version[last] := 1 + coalesce(
    (SELECT e.version FROM events e WHERE e.stream = e_stream[last] ORDER BY e.version DESC LIMIT 1), 0);
  PERFORM append_units(false, '{}', '{}', '{}', c_unit, c_key, c_code, x_unit, x_key,
    k_unit, k_key, k_fingerprint, k_answer, k_first, e_unit, e_stream, e_version, e_id, e_type, e_schema,
    e_data_lines || (
      SELECT string_agg(t.piece || coalesce((head_position + t.ahead)::text, ''), '' ORDER BY t.ord)
      FROM unnest(string_to_array(record_lines, E'\n'), record_ahead) WITH ORDINALITY AS t (piece, ahead, ord)),
    e_common, e_own_lines, m_common_lines);

  UPDATE bulk_chunks c SET rounds = c.rounds + 1, position = greatest(c.position, head_position + last),
      succeeded = c.succeeded + counts[1], unchanged = c.unchanged + counts[2], rejected = c.rejected + counts[3],
      failed = c.failed + counts[4], skipped = c.skipped + counts[5],
      state = CASE WHEN c.succeeded + c.unchanged + c.rejected + c.failed + c.skipped
          + counts[1] + counts[2] + counts[3] + counts[4] + counts[5] >= c.items THEN 'done' ELSE c.state END,
      lease_until = clock_timestamp() + make_interval(secs => lease_seconds)
    WHERE c.job_id = job AND c.chunk = nth;
  INSERT INTO bulk_rounds (job_id, chunk, round, outcomes)
    SELECT job, nth, rounds_known + 1, string_agg(t.piece || coalesce((head_position + t.ahead)::text, ''), '' ORDER BY t.ord)::json
    FROM unnest(string_to_array(outcome_lines, E'\n'), outcome_ahead) WITH ORDINALITY AS t (piece, ahead, ord);
END $$;
