-- Who gets in: API tokens, and the sign-ins that failed.

-- A tenant has a thousand at most, so that listing them is bounded.
CREATE TABLE api_tokens (
  tenant     INTEGER NOT NULL,
  id         TEXT    NOT NULL,
  hash       TEXT    NOT NULL,                 -- SHA-256 of the text, base64url: the text itself is shown once
  name       TEXT    NOT NULL,
  scopes     TEXT    NOT NULL,                 -- separated by spaces
  created    INTEGER NOT NULL,
  created_by TEXT    NOT NULL,                 -- the actor, as the audit names it
  expires_at INTEGER NOT NULL,
  last_used  INTEGER,                          -- ten minutes behind at most
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX api_tokens_hash ON api_tokens (hash);

-- Failed sign-ins of one account from one address, and with an empty account all that came from the address. Written
-- only when one fails; the sweep forgets them.
CREATE TABLE signin_failures (
  tenant   INTEGER NOT NULL,
  account  TEXT    NOT NULL,                   -- keyed digest of the name typed: it may be a password typed too early
  address  TEXT    NOT NULL,                   -- IPv4, or the first 64 bits of IPv6
  failures INTEGER NOT NULL,
  last     INTEGER NOT NULL,
  PRIMARY KEY (tenant, account, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_failures_last ON signin_failures (last);
