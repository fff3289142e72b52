-- Reminders of invitations (REMINDER_DAYS). Nothing is indexed for who gets none.

ALTER TABLE resources ADD COLUMN asked_at  INTEGER;                    -- when the last mail went out that a caller asked for
ALTER TABLE resources ADD COLUMN reminded  INTEGER NOT NULL DEFAULT 0; -- the days of REMINDER_DAYS that are over since then
ALTER TABLE resources ADD COLUMN remind_at INTEGER;                    -- when the next reminder is due
CREATE INDEX resources_remind ON resources (remind_at) WHERE remind_at IS NOT NULL;

ALTER TABLE outbox ADD COLUMN reminder INTEGER;                        -- which reminder it is; 0: a mail that the person asked for
ALTER TABLE outbox ADD COLUMN ends_at  INTEGER;                        -- the link's own end, in seconds; NULL: as the setting says
