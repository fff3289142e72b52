-- Tenants and what they override. Every store's database holds them; PRIMARY's rows are the ones that count.

CREATE TABLE tenants (
  number  INTEGER PRIMARY KEY,                 -- follows from the domain (src/tenant/mod.rs)
  domain  TEXT    NOT NULL UNIQUE,             -- in lower case
  active  INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  owners  TEXT    NOT NULL DEFAULT '[]',       -- whom it was created for: a JSON array of {"id", "username"}
  created INTEGER NOT NULL
) STRICT;
INSERT INTO tenants (number, domain, created) VALUES (0, 'carbon.super', 0);

-- Only what a tenant sets itself: everything else is the deployment's.
CREATE TABLE settings (
  tenant INTEGER NOT NULL,
  name   TEXT    NOT NULL,                     -- the variable's name (DESIGN 2.2)
  value  TEXT    NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
