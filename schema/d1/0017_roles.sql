-- Roles as the writes that depend on them ask for them (docs/access.md).

-- The roles that a user has by the attribute `roles`, or the one that a group gives by its name: 1 admin, 2 inviter,
-- 4 auditor. Written by Rust (src/model/role.rs).
ALTER TABLE resources ADD COLUMN roles INTEGER NOT NULL DEFAULT 0;

-- White space as Rust trims it.
UPDATE resources SET roles = COALESCE((
    SELECT MAX(name = 'admin') + 2 * MAX(name = 'inviter') + 4 * MAX(name = 'auditor') FROM (
      SELECT lower(trim(v.value ->> 'value', char(9, 10, 11, 12, 13, 32, 133, 160, 5760, 8192, 8193, 8194, 8195, 8196, 8197,
        8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288))) AS name
      FROM json_each(resources.document, '$.roles') v WHERE v.type = 'object')
  ), 0)
  WHERE type = 'User' AND document ->> 'roles' IS NOT NULL;
UPDATE resources SET roles = CASE lower(trim(document ->> 'displayName', char(9, 10, 11, 12, 13, 32, 133, 160, 5760, 8192,
    8193, 8194, 8195, 8196, 8197, 8198, 8199, 8200, 8201, 8202, 8232, 8233, 8239, 8287, 12288)))
  WHEN 'admin' THEN 1 WHEN 'inviter' THEN 2 WHEN 'auditor' THEN 4 ELSE 0 END
  WHERE type = 'Group';

CREATE INDEX resources_roles ON resources (tenant, type, id) WHERE roles <> 0;

-- Users whom a group has given a role while a link of theirs was out: none of those links is taken any more, and until the
-- row has been worked off, no other is either. In PRIMARY's database, where the groups are, for users of every store.
CREATE TABLE role_grants (
  tenant     INTEGER NOT NULL,
  user_id    TEXT    NOT NULL,
  invited_by TEXT,                             -- who gave the role, as the mail names them
  created    INTEGER NOT NULL,
  PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

-- A statement that must not go through inserts a row that is there already: the batch fails, and nothing of it holds.
CREATE TABLE refusals (
  reason TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO refusals (reason) VALUES ('last administrator');
