-- The outbox: tenants take turns, mails are counted by mailbox, and what is old goes.

-- What is due is looked for tenant by tenant.
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (tenant, due) WHERE state IN ('queued', 'sending', 'deferred');

-- Stands for the mailbox that the first lease has counted the mail for: a keyed digest, so that it tells nobody's address. The
-- mails leased before are of the last day at most as far as they count, and count no more.
ALTER TABLE outbox ADD COLUMN mailbox TEXT;
DROP INDEX outbox_recipient;
CREATE INDEX outbox_mailbox ON outbox (tenant, mailbox, issued_at) WHERE mailbox IS NOT NULL AND issued_at IS NOT NULL;

-- What is looked for when it is older than MAIL_RETENTION_DAYS.
CREATE INDEX outbox_old ON outbox (tenant, created)
  WHERE state IN ('sent', 'unknown', 'failed', 'dropped', 'bounced', 'complained');

-- What a user's timeline keeps of mails that the outbox has kept long enough: nothing of a person. It goes with the user.
CREATE TABLE mail_history (
  tenant   INTEGER NOT NULL,
  user_id  TEXT    NOT NULL,
  seq      INTEGER NOT NULL,
  id       TEXT    NOT NULL,                   -- as in the outbox
  template TEXT    NOT NULL,
  state    TEXT    NOT NULL,
  created  INTEGER NOT NULL,
  ended    INTEGER NOT NULL,                   -- when it was to be tried last
  kid      TEXT,                               -- the key that has signed its link
  PRIMARY KEY (tenant, user_id, seq, id)
) STRICT, WITHOUT ROWID;

-- Mails that are no invitation have left their bounces with the users.
UPDATE resources SET delivery = (SELECT o.state FROM outbox o WHERE o.tenant = resources.tenant AND o.user_id = resources.id
  AND o.template IN ('AskPassword', 'resendAskPassword', 'EmailConfirm', 'resendEmailConfirm')
  ORDER BY o.seq DESC, o.id DESC LIMIT 1)
  WHERE delivery IN ('bounced', 'complained');

-- What was kept of users who are there no more. An empty recipient stands for one that has been removed.
UPDATE outbox SET recipient = '', invited_by = NULL, new_email = NULL, facts = NULL, last_error = NULL
  WHERE NOT EXISTS (SELECT 1 FROM resources r WHERE r.tenant = outbox.tenant AND r.id = outbox.user_id);
UPDATE tenants SET owners = (SELECT json_group_array(CASE WHEN EXISTS (SELECT 1 FROM resources r
    WHERE r.tenant = tenants.number AND r.id = j.value ->> 'id')
    THEN json(j.value) ELSE json_object('id', j.value ->> 'id') END) FROM json_each(tenants.owners) j)
  WHERE owners <> '[]';

-- What users did themselves, for whoever asks what is stored about them: the actor ends with the user's id, in brackets where
-- it was by a role.
CREATE INDEX audit_actor ON audit (tenant, substr(rtrim(actor, ')'), -36), number)
  WHERE actor GLOB 'user:*' OR actor GLOB 'administrator:* (*)';
