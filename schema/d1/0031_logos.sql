-- The tenants' logos. The one that is shown is named by a row of `settings` whose name is `logo`; another one is a draft, of
-- which a tenant has one at most.

CREATE TABLE logos (
  tenant  INTEGER NOT NULL,
  version TEXT    NOT NULL,                    -- hash of the content, size and kind: 0123456789abcdef-320x80.png
  bytes   TEXT    NOT NULL,                    -- base64
  PRIMARY KEY (tenant, version)
) STRICT;
