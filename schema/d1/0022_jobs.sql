-- Jobs: an action on many users, whose set is fixed when it is confirmed. It is worked off in steps; a step leases the job and
-- records what became of its rows. All rows are in PRIMARY's database, also for users of other stores.

CREATE TABLE jobs (
  tenant     INTEGER NOT NULL,
  id         TEXT    NOT NULL,
  action     TEXT    NOT NULL,                 -- written by Rust (src/model/job.rs)
  group_id   TEXT,                             -- of an addition to a group
  state      TEXT    NOT NULL CHECK (state IN ('running', 'stopped', 'done', 'failed')),
  reason     TEXT,                             -- why it stopped or failed by itself
  total      INTEGER NOT NULL DEFAULT 0,
  done       INTEGER NOT NULL DEFAULT 0,
  failed     INTEGER NOT NULL DEFAULT 0,
  skipped    INTEGER NOT NULL DEFAULT 0,
  position   INTEGER NOT NULL DEFAULT 0,       -- the rows up to this number are worked off
  started_by TEXT    NOT NULL,                 -- JSON: the actor
  scopes     TEXT    NOT NULL,                 -- what the actor might do
  created    INTEGER NOT NULL,
  due        INTEGER NOT NULL,                 -- when the next step may be taken; while one is taken, when its lease ends
  lease      TEXT,                             -- the step that has not yet recorded all that it did
  failures   INTEGER NOT NULL DEFAULT 0,       -- steps in a row that the database failed
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due     ON jobs (due) WHERE state = 'running';
CREATE INDEX jobs_created ON jobs (created);

CREATE TABLE job_rows (
  tenant  INTEGER NOT NULL,
  job     TEXT    NOT NULL,
  number  INTEGER NOT NULL,                    -- from 1 without gaps
  user_id TEXT    NOT NULL,
  state   TEXT    NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done', 'failed', 'skipped')),
  reason  TEXT,                                -- of one that failed or was skipped
  PRIMARY KEY (tenant, job, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_rows_exceptions ON job_rows (tenant, job, number) WHERE state IN ('failed', 'skipped');
