-- Forms of the console that came when the session was over: whoever sent one finds it after signing in again. Passwords are
-- not among what is kept. They go after ten minutes.

CREATE TABLE kept_forms (
  tenant  INTEGER NOT NULL,
  id      TEXT    NOT NULL,
  owner   TEXT    NOT NULL,                    -- whose session it was: the user's id, or empty for the first administrator
  home    INTEGER NOT NULL,                    -- the tenant that the session was of
  created INTEGER NOT NULL,
  path    TEXT    NOT NULL,                    -- where it was sent
  fields  TEXT    NOT NULL,                    -- as it was sent: application/x-www-form-urlencoded
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_forms_created ON kept_forms (created);
CREATE INDEX kept_forms_owner   ON kept_forms (tenant, home, owner, created);
