-- What a user's timeline tells besides: that a mail arrived, when it bounced, and that somebody began to type a password.

ALTER TABLE outbox ADD COLUMN delivered_at INTEGER;    -- when the provider said so
ALTER TABLE outbox ADD COLUMN reported_at  INTEGER;    -- when it said that the mail bounced or was reported as spam

ALTER TABLE resources ADD COLUMN delivered_at INTEGER; -- of the latest mail with a link, where it is not before sent_at
ALTER TABLE resources ADD COLUMN started_at   INTEGER; -- when a password was first sent, or begun to be typed
ALTER TABLE resources ADD COLUMN started_seq  INTEGER; -- by the link of this seq

-- The same table; its rows may say that a mail was delivered.
CREATE TABLE webhook_events_new (
  provider      TEXT    NOT NULL,
  id            TEXT    NOT NULL,
  message       TEXT    NOT NULL,
  outcome       TEXT    NOT NULL CHECK (outcome IN ('nothing', 'delivered', 'delayed', 'bounced', 'complained')),
  class         TEXT    NOT NULL,
  received      INTEGER NOT NULL,
  pending_until INTEGER,
  PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
INSERT INTO webhook_events_new SELECT provider, id, message, outcome, class, received, pending_until FROM webhook_events;
DROP TABLE webhook_events;
ALTER TABLE webhook_events_new RENAME TO webhook_events;
CREATE INDEX webhook_events_received ON webhook_events (received);
CREATE INDEX webhook_events_pending  ON webhook_events (pending_until) WHERE pending_until IS NOT NULL;
