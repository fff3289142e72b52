-- Recovery of passwords.

-- What somebody has typed to be sent a link, and how often within an hour; in PRIMARY.
CREATE TABLE recoveries (
  tenant    INTEGER NOT NULL,
  key       TEXT    NOT NULL,                  -- what was typed, as user names and addresses are compared
  typed     TEXT    NOT NULL,                  -- as it was typed last
  domain    TEXT    NOT NULL,                  -- the tenant's
  requested INTEGER,                           -- NULL: nothing waits
  began     INTEGER NOT NULL,                  -- when the hour began that `count` is of
  count     INTEGER NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX recoveries_waiting ON recoveries (requested) WHERE requested IS NOT NULL;
CREATE INDEX recoveries_began   ON recoveries (began);

-- The links by which users set a new password, in each user's store: what is to be known of them besides the links themselves.
CREATE TABLE resets (
  tenant  INTEGER NOT NULL,
  user_id TEXT    NOT NULL,
  ends    INTEGER NOT NULL DEFAULT 0,          -- when the last of them ends
  sent    INTEGER NOT NULL DEFAULT 0,          -- when one was last mailed because somebody asked for it
  began   INTEGER NOT NULL DEFAULT 0,          -- when the hour began that `count` is of
  count   INTEGER NOT NULL DEFAULT 0,          -- such mails in it
  PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE outbox ADD COLUMN accounts TEXT;   -- further accounts whose links the mail has: a JSON array of id, seq and user name
