-- Files that somebody is about to import on the console, between its steps: sealed (src/base/sealing.rs), since they may have
-- passwords. They go after an hour.

CREATE TABLE import_files (
  tenant   INTEGER NOT NULL,
  id       TEXT    NOT NULL,
  owner    TEXT    NOT NULL,                     -- JSON: the actor
  created  INTEGER NOT NULL,
  name     TEXT    NOT NULL,                     -- of the file; empty for one that was pasted
  encoding TEXT    NOT NULL,                     -- in words
  content  TEXT    NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_files_created ON import_files (created);
CREATE INDEX import_files_owner   ON import_files (tenant, owner, created);
