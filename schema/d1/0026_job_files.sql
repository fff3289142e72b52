-- Jobs that read a file or make one. A row of an import has its cells, without the password, which is sealed until the row is
-- worked off; a row of an export has the cells that were written.

ALTER TABLE jobs ADD COLUMN input TEXT;           -- JSON: how the file is read, of an import
ALTER TABLE job_rows ADD COLUMN line INTEGER;     -- of the file
ALTER TABLE job_rows ADD COLUMN label TEXT;       -- the user name that the file gives
ALTER TABLE job_rows ADD COLUMN cells TEXT;       -- JSON: a list of texts
ALTER TABLE job_rows ADD COLUMN secret TEXT;      -- sealed (src/base/sealing.rs)
ALTER TABLE job_rows ADD COLUMN became TEXT;      -- created, updated or invited, of a row of an import that is done
