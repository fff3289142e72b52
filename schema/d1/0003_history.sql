-- Former passwords, so that they are not chosen again (PASSWORD_HISTORY). The one in force is in credentials.
CREATE TABLE password_history (
  tenant        INTEGER NOT NULL,
  user_id       TEXT    NOT NULL,
  changed       INTEGER NOT NULL,              -- when it came into force, as credentials had it
  password_hash TEXT    NOT NULL,              -- a PHC string
  PRIMARY KEY (tenant, user_id, changed, password_hash)
) STRICT, WITHOUT ROWID;
