-- Forms of the console, by the id that is in each when it is shown: one that is sent twice is carried out once. They go
-- after a day.

CREATE TABLE submissions (
  tenant  INTEGER NOT NULL,
  id      TEXT    NOT NULL,
  created INTEGER NOT NULL,
  path    TEXT,                                -- the page that followed; NULL while the form is being carried out
  message TEXT,                                -- what it said
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX submissions_created ON submissions (created);
