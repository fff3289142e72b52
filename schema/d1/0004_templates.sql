-- A tenant's own mail templates. Versions are only ever added: a mail keeps to the version that its first lease fixed,
-- so that every attempt is byte-identical, whatever is edited meanwhile.
CREATE TABLE templates (
  tenant       INTEGER NOT NULL,
  type         TEXT    NOT NULL,               -- the type's name as outbox.template has it; a tenant's own in lower case
  version      INTEGER NOT NULL,               -- from 1, through all locales of the type; 0 stands for what is shipped
  locale       TEXT    NOT NULL,
  bytes        INTEGER NOT NULL,               -- the length of the texts below
  retired      INTEGER,                        -- since when another version, or the shipped template, takes its place
  modified     INTEGER NOT NULL,
  content_type TEXT    NOT NULL,               -- of body and footer: text/html or text/plain
  subject      TEXT    NOT NULL,
  body         TEXT    NOT NULL,
  footer       TEXT    NOT NULL,
  text         TEXT    NOT NULL,               -- the text part; empty: made from the HTML
  PRIMARY KEY (tenant, type, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX templates_in_force ON templates (tenant, type, locale) WHERE retired IS NULL;

-- Types that a tenant has added to those Latchkey sends.
CREATE TABLE template_types (
  tenant  INTEGER NOT NULL,
  type    TEXT    NOT NULL,                    -- the name in lower case
  name    TEXT    NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;

-- Fixed by the first lease, as all that a mail is made of. 0 or NULL: the shipped template.
ALTER TABLE outbox ADD COLUMN template_version INTEGER;
-- The address that a mail about a change of address is about.
ALTER TABLE outbox ADD COLUMN new_email TEXT;
