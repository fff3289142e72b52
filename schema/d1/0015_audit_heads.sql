-- The head of each tenant's audit: the newest row that was sealed, under a MAC of its own. A copy of it is kept in KV.
CREATE TABLE audit_heads (
  tenant INTEGER PRIMARY KEY,
  number INTEGER NOT NULL,                     -- the newest row that was sealed; 0 before the first
  seal   TEXT    NOT NULL,                     -- its seal
  kid    TEXT    NOT NULL,
  mac    TEXT    NOT NULL,                     -- of all this, and of the user store: nobody else can say where a chain ends
  copied INTEGER NOT NULL DEFAULT 0            -- the number that KV is known to have
) STRICT;
CREATE INDEX audit_heads_uncopied ON audit_heads (tenant) WHERE copied < number;
