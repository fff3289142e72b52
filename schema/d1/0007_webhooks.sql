-- What mail providers have told of mails: each event counts once. No tenant: a provider does not know one.
CREATE TABLE webhook_events (
  provider      TEXT    NOT NULL,
  id            TEXT    NOT NULL,              -- the provider's id of the event, or a digest of the event
  message       TEXT    NOT NULL,              -- the provider's id of the mail, without angle brackets
  outcome       TEXT    NOT NULL CHECK (outcome IN ('nothing', 'delayed', 'bounced', 'complained')),
  class         TEXT    NOT NULL,              -- the provider's word for what kind of bounce it is
  received      INTEGER NOT NULL,
  pending_until INTEGER,                       -- until when its mail may still turn up; NULL: nothing is left to do
  PRIMARY KEY (provider, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_events_received ON webhook_events (received);
CREATE INDEX webhook_events_pending  ON webhook_events (pending_until) WHERE pending_until IS NOT NULL;

-- An event names its mail by the provider's id.
CREATE INDEX outbox_provider ON outbox (provider, provider_id) WHERE provider_id IS NOT NULL;
