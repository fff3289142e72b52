-- The audit's seal: an HMAC over each row and the seal before it, put on in order by the sweep.
ALTER TABLE audit ADD COLUMN kid  TEXT;        -- the root key that the seal was made with
ALTER TABLE audit ADD COLUMN seal TEXT;
CREATE INDEX audit_unsealed ON audit (tenant, number) WHERE seal IS NULL;
CREATE INDEX audit_target   ON audit (tenant, target, number);

-- Where a tenant's chain begins, once retention has removed the rows before.
CREATE TABLE audit_anchors (
  tenant INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,                     -- the last row removed
  seal   TEXT    NOT NULL,                     -- its seal
  kid    TEXT    NOT NULL,
  mac    TEXT    NOT NULL                      -- of all this: nobody else can begin a chain
) STRICT;
