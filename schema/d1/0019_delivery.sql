-- What became of invitations' mails is asked for like their status: who bounced, in the order of the last mail.

-- When the latest mail went out; users without one come last, and what is no user has none.
ALTER TABLE resources ADD COLUMN sent_key INTEGER GENERATED ALWAYS AS (CASE
  WHEN type <> 'User' THEN NULL
  WHEN delivery IS NULL OR sent_at IS NULL THEN 9000000000000000
  ELSE sent_at END) VIRTUAL;
CREATE INDEX resources_delivery ON resources (tenant, type, delivery, sent_key, id) WHERE delivery IS NOT NULL;
CREATE INDEX resources_sent     ON resources (tenant, type, sent_key, id) WHERE sent_key IS NOT NULL;
