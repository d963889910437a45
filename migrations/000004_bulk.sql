-- BULK: jobs, their items in chunks, and what became of them, round by round.
--
-- Items are arrays inside chunk rows, not rows of their own. A job of 1,000,000 items is 2,000 chunk rows
-- and 10,000 rows of outcomes: accepting it writes 2,000 rows, a round of up to 100 targets writes one row
-- and touches one small one, and no index grows with the items. As rows of their own each item would cost
-- an insert with two index entries at acceptance and an update (a dead tuple and, by outcome, two more
-- index entries) when decided. Pages of results by outcome stay cheap because each chunk counts its
-- outcomes: chunks that hold none of the wanted kind are skipped by a scan over narrow rows (the inputs
-- are stored out of line), and an item's index says its chunk.

CREATE TABLE bulk_jobs (
  id              text        COLLATE "C" PRIMARY KEY,
  -- 'staging' while its items arrive: nobody sees it, and nothing runs. The others are the contract's.
  state           text        COLLATE "C" NOT NULL,
  command         text        COLLATE "C" NOT NULL,
  source          text        COLLATE "C" NOT NULL,
  dry_run         boolean     NOT NULL,
  -- Whom the job acts as: roles are taken afresh for each chunk, the tool's scope is as it was.
  requester_id    text        COLLATE "C" NOT NULL,
  requester_kind  text        COLLATE "C" NOT NULL,
  tool            text        COLLATE "C" NOT NULL,
  scope           text[],
  reference       text,
  -- Label, filter, common input and reason, sealed under the requester's key.
  sealed          text        NOT NULL,
  frozen_at       bigint,
  retry_of        text        COLLATE "C",
  requested_at    timestamptz NOT NULL,
  -- A sign of life while staging; one that is old means that the upload died.
  touched_at      timestamptz NOT NULL DEFAULT now(),
  started_at      timestamptz,
  finished_at     timestamptz,
  -- The rate is measured since it last began to run, over what was decided since.
  rate_since      timestamptz,
  rate_base       integer     NOT NULL DEFAULT 0,
  paused_reason   text        COLLATE "C",
  -- Version of the stream $bulk-<id>, which only accepting, pausing, resuming and cancelling write.
  control_version integer     NOT NULL DEFAULT 0,
  total           integer     NOT NULL DEFAULT 0,
  -- What the chunks sum to, once the job has ended.
  counted         json,
  position        bigint      NOT NULL DEFAULT 0
);
CREATE INDEX bulk_jobs_recent ON bulk_jobs (requested_at DESC, id DESC);
CREATE INDEX bulk_jobs_open ON bulk_jobs (id) WHERE state IN ('staging', 'accepted', 'running', 'cancelling');

CREATE TABLE bulk_chunks (
  job_id       text        COLLATE "C" NOT NULL REFERENCES bulk_jobs (id) ON DELETE CASCADE,
  chunk        integer     NOT NULL,
  state        text        COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done')),
  -- Index of its first item in the job, and how many it holds.
  first_index  integer     NOT NULL,
  items        integer     NOT NULL,
  -- An earlier chunk with a target in common: this one waits for it, so that a target's items keep their order.
  after_chunk  integer,
  -- Who works on it and until when that is believed.
  lease        text        COLLATE "C",
  lease_until  timestamptz,
  -- Until when the queue is trusted to hold it.
  queued_until timestamptz,
  attempts     integer     NOT NULL DEFAULT 0,
  rounds       integer     NOT NULL DEFAULT 0,
  succeeded    integer     NOT NULL DEFAULT 0,
  unchanged    integer     NOT NULL DEFAULT 0,
  rejected     integer     NOT NULL DEFAULT 0,
  failed       integer     NOT NULL DEFAULT 0,
  skipped      integer     NOT NULL DEFAULT 0,
  cancelled    integer     NOT NULL DEFAULT 0,
  position     bigint      NOT NULL DEFAULT 0,
  -- An array of items; personal fields are sealed.
  inputs       json        NOT NULL,
  PRIMARY KEY (job_id, chunk)
) WITH (toast_tuple_target = 128, fillfactor = 70);
CREATE INDEX bulk_chunks_pending ON bulk_chunks (job_id, chunk) WHERE state = 'pending';

-- What one round decided: an array of outcomes, in the transaction of the events they stand for.
CREATE TABLE bulk_rounds (
  job_id   text    COLLATE "C" NOT NULL,
  chunk    integer NOT NULL,
  round    integer NOT NULL,
  outcomes json    NOT NULL,
  PRIMARY KEY (job_id, chunk, round),
  FOREIGN KEY (job_id, chunk) REFERENCES bulk_chunks (job_id, chunk) ON DELETE CASCADE
);
