-- Who wrote last, of the steps of reindexings (reindexes), in the database of a user store other than PRIMARY: that database
-- does not know which step is the current one. Whoever is about to write has read the mark before, and writes only where it is
-- still there.
CREATE TABLE reindex_marks (
  tenant INTEGER NOT NULL,
  type   TEXT    NOT NULL,                     -- the resource type's name
  mark   TEXT    NOT NULL,
  PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;
