-- WEBHOOKS: what was sent to each endpoint and what it answered: the newest of each, and none older than a
-- month. Not what was sent: that is in the log, by position. What was answered is not kept either, but its status.
CREATE TABLE webhook_deliveries (
  webhook     text        COLLATE "C" NOT NULL,
  -- In the order in which attempts ended.
  number      bigint      GENERATED ALWAYS AS IDENTITY,
  position    bigint      NOT NULL,
  attempt     integer     NOT NULL,
  attempted_at timestamptz NOT NULL,
  duration_ms integer     NOT NULL,
  -- NULL where no answer came.
  status      integer,
  outcome     text        COLLATE "C" NOT NULL CHECK (outcome IN ('delivered', 'failed', 'refused')),
  -- Why, in words of ours: never what the other side wrote.
  failure     text,
  PRIMARY KEY (webhook, number)
);
CREATE INDEX webhook_deliveries_position ON webhook_deliveries (webhook, position);
