-- What a change of a tenant's schemas still has to do to the resources that are stored: their keys, and their rows in
-- value_index and unique_values. A row for each resource type, carried on by requests and by the sweep, gone when it is done.
-- All rows are in PRIMARY's database, also for users of other stores.
CREATE TABLE reindexes (
  tenant     INTEGER NOT NULL,
  type       TEXT    NOT NULL,                 -- the resource type's name
  schemas    TEXT    NOT NULL,                 -- JSON: the URNs whose values are being indexed; none after a removal
  attributes TEXT    NOT NULL,                 -- JSON: paths whose rows go first; "*" for all
  phase      TEXT    NOT NULL CHECK (phase IN ('checking', 'clearing', 'walking', 'settling')),
  store      INTEGER NOT NULL DEFAULT 0,       -- the user store at hand; 0 is PRIMARY
  after_time INTEGER,                          -- the last resource that was looked at there
  after_id   TEXT,
  done       INTEGER NOT NULL DEFAULT 0,
  total      INTEGER NOT NULL,
  started    INTEGER NOT NULL,
  due        INTEGER NOT NULL,                 -- when the sweep takes it up
  operation  TEXT    NOT NULL,                 -- of the step that wrote last: the next one is for whoever read it
  PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;
CREATE INDEX reindexes_due ON reindexes (due);

-- Tenants whose registrations have changed a moment ago: the sweep writes their cache once more.
CREATE TABLE registry_changes (
  tenant  INTEGER PRIMARY KEY,
  changed INTEGER NOT NULL
) STRICT;
CREATE INDEX registry_changes_changed ON registry_changes (changed);

-- The size of a registration in bytes, as the client sent it.
ALTER TABLE registrations ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;
UPDATE registrations SET sent = length(CAST(document AS BLOB)) WHERE kind <> 'extension';

-- Until now a schema that was registered again left the rows as they were: all resources are looked through once, while
-- queries go on as they did.
INSERT INTO reindexes (tenant, type, schemas, attributes, phase, total, started, due, operation)
SELECT tenant, type, json_group_array(DISTINCT urn), '[]', 'settling', 0, 0, 0, 'migration'
FROM (
  SELECT tenant, document ->> 'resourceType' AS type, document ->> 'schema' AS urn FROM registrations WHERE kind = 'extension'
  UNION ALL
  SELECT tenant, name, document ->> 'schema' FROM registrations WHERE kind = 'resource_type'
  UNION ALL
  SELECT r.tenant, r.name, e.value ->> 'schema' FROM registrations r, json_each(r.document, '$.schemaExtensions') e
  WHERE r.kind = 'resource_type' AND e.type = 'object'
)
WHERE type IS NOT NULL AND urn IS NOT NULL GROUP BY tenant, type;
