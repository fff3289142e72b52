-- The PRIMARY user store, and the shape of every other one (DESIGN 5): a batch never spans databases, so each store's
-- database holds the whole schema. Every row carries its tenant; tenant 0 is the super tenant (carbon.super).
-- Times are milliseconds since the epoch. Key columns are written by Rust (NFC, Unicode case folding, NFC): SQLite's
-- own NOCASE and lower() fold ASCII only.

-- SCIM resources of every type: the document, its folded keys, and the columns that filters, sorting and the account need.
CREATE TABLE resources (
  tenant          INTEGER NOT NULL,
  id              TEXT    NOT NULL,
  type            TEXT    NOT NULL,            -- the SCIM resource type's name: User, Group, a tenant's own
  name_key        TEXT,                        -- folded userName (User)
  external_id     TEXT,
  display         TEXT    NOT NULL DEFAULT '', -- what a group shows for a member, and a user for a group
  document        TEXT    NOT NULL,            -- what the client stored, without what is derived on reading
  keys            TEXT    NOT NULL,            -- the same with every string as the key that filters compare
  version         INTEGER NOT NULL DEFAULT 1,  -- meta.version: counts writes to the resource
  created         INTEGER NOT NULL,
  modified        INTEGER NOT NULL,
  operation       TEXT    NOT NULL,            -- random id of the batch that wrote last; its riders hang on it
  -- The account (User only). Onboarding, lock and disabled are stored apart; accountState is derived from them.
  onboarding      TEXT    NOT NULL DEFAULT 'none' CHECK (onboarding IN ('none', 'AP', 'EV')),
  lock            TEXT    NOT NULL DEFAULT 'none' CHECK (lock IN ('none', 'onboarding', 'admin')),
  disabled        INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  email           TEXT,                        -- the address invitations go to
  email_verified  INTEGER NOT NULL DEFAULT 0 CHECK (email_verified IN (0, 1)),
  seq_log         TEXT    NOT NULL DEFAULT '', -- why links died, a letter a time
  seq             INTEGER GENERATED ALWAYS AS (length(seq_log)) VIRTUAL, -- a link is good for exactly one seq
  -- The invitation as the sender last left it (User only).
  delivery        TEXT,                        -- the state of its mail
  attempts        INTEGER NOT NULL DEFAULT 0,
  sent_at         INTEGER,
  expires_at      INTEGER,                     -- 0: never
  -- What filters ask for, folded as their literals are.
  account_state   TEXT GENERATED ALWAYS AS (CASE
    WHEN type <> 'User' THEN NULL
    WHEN disabled THEN 'disabled'
    WHEN lock = 'admin' THEN 'locked'
    WHEN onboarding = 'AP' THEN 'pending_ap'
    WHEN onboarding = 'EV' THEN 'pending_ev'
    ELSE 'unlocked' END) VIRTUAL,
  invitation      TEXT GENERATED ALWAYS AS (CASE
    WHEN delivery IS NULL THEN NULL
    WHEN onboarding = 'none' THEN 'accepted'
    WHEN substr(seq_log, -1) = 'R' THEN 'revoked'
    ELSE 'open' END) VIRTUAL,                  -- open: pending or expired, as expiry_key and the clock say
  expiry_key      INTEGER GENERATED ALWAYS AS (CASE WHEN expires_at > 0 THEN expires_at ELSE 9000000000000000 END) VIRTUAL,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE UNIQUE INDEX resources_name       ON resources (tenant, type, name_key) WHERE name_key IS NOT NULL;
CREATE        INDEX resources_external   ON resources (tenant, type, external_id) WHERE external_id IS NOT NULL;
CREATE        INDEX resources_created    ON resources (tenant, type, created, id);
CREATE        INDEX resources_modified   ON resources (tenant, type, modified, id);
CREATE        INDEX resources_state      ON resources (tenant, type, account_state, created, id) WHERE account_state IS NOT NULL;
CREATE        INDEX resources_invitation ON resources (tenant, type, invitation, expiry_key, id) WHERE invitation IS NOT NULL;

-- Values of multi-valued and custom attributes that the schema marks as indexed, as filters compare them.
CREATE TABLE value_index (
  tenant    INTEGER NOT NULL,
  type      TEXT    NOT NULL,
  attribute TEXT    NOT NULL,                  -- the attribute's path, as the schema spells it
  key       TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  PRIMARY KEY (tenant, type, attribute, key, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX value_index_resource ON value_index (tenant, id);

-- Values of custom attributes whose uniqueness is server or global.
CREATE TABLE unique_values (
  tenant    INTEGER NOT NULL,
  type      TEXT    NOT NULL,
  attribute TEXT    NOT NULL,
  key       TEXT    NOT NULL,
  id        TEXT    NOT NULL,
  PRIMARY KEY (tenant, type, attribute, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX unique_values_resource ON unique_values (tenant, id);

-- Who is in which group, directly. A group of 50,000 is 50,000 rows, of which adding one touches one.
CREATE TABLE members (
  tenant    INTEGER NOT NULL,
  group_id  TEXT    NOT NULL,
  member_id TEXT    NOT NULL,
  type      TEXT    NOT NULL,                  -- User or Group
  display   TEXT,                              -- as the client sent it; else the member's own
  PRIMARY KEY (tenant, group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_member ON members (tenant, member_id);

-- Groups within groups, all levels: every group is its own ancestor at depth 0. Kept by the writes that change which
-- group is in which, which are rare, so that reading a user's groups follows no chain.
CREATE TABLE group_ancestors (
  tenant      INTEGER NOT NULL,
  group_id    TEXT    NOT NULL,
  ancestor_id TEXT    NOT NULL,
  depth       INTEGER NOT NULL,
  display     TEXT    NOT NULL,                -- the ancestor's displayName
  PRIMARY KEY (tenant, group_id, ancestor_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX group_ancestors_ancestor ON group_ancestors (tenant, ancestor_id, group_id);

-- A tenant's own schemas, resource types, and extensions of built-in resource types.
CREATE TABLE registrations (
  tenant   INTEGER NOT NULL,
  kind     TEXT    NOT NULL CHECK (kind IN ('schema', 'resource_type', 'extension')),
  name     TEXT    NOT NULL,                   -- the URN, or the resource type's name
  document TEXT    NOT NULL,
  created  INTEGER NOT NULL,
  PRIMARY KEY (tenant, kind, name)
) STRICT, WITHOUT ROWID;

-- Password hashes, apart from the documents: nothing that lists or shows a user can carry one.
CREATE TABLE credentials (
  tenant        INTEGER NOT NULL,
  user_id       TEXT    NOT NULL,
  password_hash TEXT    NOT NULL,              -- a PHC string
  changed       INTEGER NOT NULL,
  PRIMARY KEY (tenant, user_id)
) STRICT, WITHOUT ROWID;

-- Unfiltered totals, maintained by the batches that create and delete.
CREATE TABLE counters (
  tenant INTEGER NOT NULL,
  type   TEXT    NOT NULL,
  total  INTEGER NOT NULL,
  PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;

-- Mail to be sent, written in the batch that makes it due. It holds no secret: a link is minted when its mail is
-- rendered, from what the first lease fixed here, so that every attempt is byte-identical.
CREATE TABLE outbox (
  tenant      INTEGER NOT NULL,
  id          TEXT    NOT NULL,
  user_id     TEXT    NOT NULL,
  template    TEXT    NOT NULL,
  seq         INTEGER NOT NULL,                -- the user's seq the mail is for: a row behind it is dropped
  generation  INTEGER NOT NULL DEFAULT 0,      -- part of the idempotency key: a retried dead letter is a new mail
  recipient   TEXT    NOT NULL,
  invited_by  TEXT,                            -- who asked for it, as the mail names them
  state       TEXT    NOT NULL CHECK (state IN
              ('queued', 'sending', 'sent', 'deferred', 'unknown', 'failed', 'dropped', 'bounced', 'complained')),
  attempts    INTEGER NOT NULL DEFAULT 0,
  doubtful    INTEGER,                         -- since when an attempt may have been accepted unnoticed; never cleared
  created     INTEGER NOT NULL,
  due         INTEGER NOT NULL,                -- when to try (again); while sending, when the lease ends
  lease       TEXT,                            -- random id of the run that holds the row
  provider    TEXT,                            -- fixed by the first lease, with all that follows
  kid         TEXT,
  issued_at   INTEGER,                         -- seconds
  expires_at  INTEGER,                         -- seconds; 0: never
  locale      TEXT,
  facts       TEXT,                            -- what the template's placeholders say, as JSON
  provider_id TEXT,                            -- the provider's id of an accepted mail
  last_error  TEXT,
  PRIMARY KEY (tenant, id)
) STRICT;
CREATE INDEX outbox_due  ON outbox (due) WHERE state IN ('queued', 'sending', 'deferred');
CREATE INDEX outbox_user ON outbox (tenant, user_id, seq);

-- What happened: append-only, numbered per tenant, written in the batch that it records.
CREATE TABLE audit (
  tenant     INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  time       INTEGER NOT NULL,
  operation  TEXT    NOT NULL,                 -- the batch: how a handler learns that a hidden commit happened
  actor      TEXT    NOT NULL,
  action     TEXT    NOT NULL,
  target     TEXT,                             -- the id of the resource acted on
  outcome    TEXT    NOT NULL,
  request_id TEXT    NOT NULL,
  address    TEXT,
  PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_operation ON audit (tenant, operation);
