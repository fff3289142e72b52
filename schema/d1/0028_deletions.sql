-- A user who is about to be deleted, by a job of their own that can be undone: disabled until then.

ALTER TABLE resources ADD COLUMN deletion_at INTEGER;                      -- when they go; NULL: nobody has asked for it
ALTER TABLE resources ADD COLUMN was_disabled INTEGER NOT NULL DEFAULT 0;  -- what an undo gives back

ALTER TABLE jobs ADD COLUMN undo_until INTEGER;                            -- of such a job: deletion_at of its user
CREATE INDEX jobs_undoable ON jobs (tenant, id) WHERE undo_until IS NOT NULL AND state <> 'done';

-- Jobs that the dashboard names.
CREATE INDEX jobs_halted ON jobs (tenant, id) WHERE state IN ('stopped', 'failed');
