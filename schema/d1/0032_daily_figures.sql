-- What became of invitations, counted by day (UTC) in the batches that write it: a day's row is what the Dashboard's charts are
-- drawn from. Nothing here says whose invitation it was.

CREATE TABLE daily_figures (
  tenant        INTEGER NOT NULL,
  batch         TEXT    NOT NULL,              -- '': everybody; else the id of the import that created the people
  day           INTEGER NOT NULL,              -- days since the epoch
  sent          INTEGER NOT NULL DEFAULT 0,    -- mails of that day that a provider took
  delivered     INTEGER NOT NULL DEFAULT 0,
  accepted      INTEGER NOT NULL DEFAULT 0,
  expired       INTEGER NOT NULL DEFAULT 0,
  bounced       INTEGER NOT NULL DEFAULT 0,
  invited       INTEGER NOT NULL DEFAULT 0,    -- people who were first mailed on that day,
  in_hour       INTEGER NOT NULL DEFAULT 0,    -- and those of them who have accepted, by the time it took them
  in_day        INTEGER NOT NULL DEFAULT 0,
  in_three_days INTEGER NOT NULL DEFAULT 0,
  in_week       INTEGER NOT NULL DEFAULT 0,
  later         INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, batch, day)
) STRICT, WITHOUT ROWID;

-- Until when invitations that expired have been counted: one row, of the first run on.
CREATE TABLE expiries_counted (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  until INTEGER NOT NULL
) STRICT;

ALTER TABLE resources ADD COLUMN import     TEXT;    -- the job that imported the user
ALTER TABLE resources ADD COLUMN invited_at INTEGER; -- when the first mail of the invitation went out
