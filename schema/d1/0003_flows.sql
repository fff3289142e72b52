-- What the flows of an invitation need beyond 0001: which mail it went out with, an address that waits to be confirmed, and
-- new mails that were asked for on an expired link's page.

-- The template of the latest invitation (User only).
ALTER TABLE resources ADD COLUMN template TEXT;
UPDATE resources SET template = (SELECT o.template FROM outbox o WHERE o.tenant = resources.tenant
  AND o.user_id = resources.id AND o.template <> 'AccountActivationSuccess' ORDER BY o.seq DESC, o.id DESC LIMIT 1)
  WHERE delivery IS NOT NULL;

-- The address that takes the place of `email` once it is confirmed (User only).
ALTER TABLE resources ADD COLUMN pending_email TEXT;

-- New mails asked for with the button of an expired link, one row per user: written before anybody looks whether there is
-- such a user, so that the answer takes as long for everyone, and worked off by the sweep.
CREATE TABLE renewals (
  tenant    INTEGER NOT NULL,
  user_id   TEXT    NOT NULL,
  domain    TEXT    NOT NULL,                  -- the tenant's: the tables of tenants are PRIMARY's
  requested INTEGER,                           -- NULL: nothing waits
  sent      INTEGER NOT NULL DEFAULT 0,        -- when a mail was last queued for it
  day       INTEGER NOT NULL DEFAULT 0,        -- the day that `count` is of, in days since the epoch
  count     INTEGER NOT NULL DEFAULT 0,        -- mails queued on that day
  PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX renewals_waiting ON renewals (requested) WHERE requested IS NOT NULL;
