-- What a write in this user store still has to change in PRIMARY's database (DESIGN 5): a batch never spans databases.
-- Written with what it follows from, carried out by the sweep, and done when it is gone. PRIMARY's own stays empty.

CREATE TABLE pending_work (
  tenant  INTEGER NOT NULL,
  kind    TEXT    NOT NULL CHECK (kind IN ('join_groups', 'leave_groups')),
  target  TEXT    NOT NULL,                    -- the user's id
  detail  TEXT,                                -- of a user who joins: {"name","groups"}
  created INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX pending_work_created ON pending_work (created);
