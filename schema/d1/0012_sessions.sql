-- Console sessions. A user's are beside the user, in the store that he is in.
CREATE TABLE sessions (
  tenant           INTEGER NOT NULL,           -- the tenant that whoever has signed in belongs to
  user_id          TEXT    NOT NULL,           -- empty for the first administrator
  id               TEXT    NOT NULL,           -- worth nothing without the cookie's signature
  password_changed INTEGER NOT NULL,           -- credentials.changed when he signed in: another password ends it
  started          INTEGER NOT NULL,
  seen             INTEGER NOT NULL,           -- a minute behind at most
  expires_at       INTEGER NOT NULL,           -- over in any case
  PRIMARY KEY (tenant, user_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_expires_at ON sessions (expires_at);
