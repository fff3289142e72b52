-- A group's displayName is unique in its tenant, folded as filters compare it. Groups that share one today keep it where
-- they are the oldest; the others are numbered: "Staff", "Staff (2)", "Staff (3)", or on from the highest number that
-- such names have already.
CREATE TABLE renamed_groups (
  tenant INTEGER NOT NULL,
  id     TEXT    NOT NULL,
  suffix TEXT    NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

INSERT INTO renamed_groups (tenant, id, suffix)
SELECT tenant, id, ' (' || (place - 1 + (
    SELECT COALESCE(MAX(CAST(substr(o.keys ->> 'displayName', length(name) + 3) AS INTEGER)), 1) FROM resources o
    WHERE o.tenant = named.tenant AND o.type = 'Group'
      AND substr(o.keys ->> 'displayName', 1, length(name) + 2) = name || ' ('
      AND CAST(substr(o.keys ->> 'displayName', length(name) + 3) AS INTEGER) BETWEEN 1 AND 999999999
  )) || ')'
FROM (
  SELECT tenant, id, keys ->> 'displayName' AS name,
    ROW_NUMBER() OVER (PARTITION BY tenant, keys ->> 'displayName' ORDER BY created, id) AS place
  FROM resources WHERE type = 'Group'
) named
WHERE place > 1;

-- The index of values holds the first 512 bytes of a name.
UPDATE value_index SET key = value_index.key || substr(n.suffix, 1, MAX(0, 512 - length(CAST(value_index.key AS BLOB))))
FROM renamed_groups n
WHERE value_index.tenant = n.tenant AND value_index.id = n.id AND value_index.type = 'Group'
  AND value_index.attribute = 'displayName'
  AND value_index.key = (SELECT r.keys ->> 'displayName' FROM resources r WHERE r.tenant = n.tenant AND r.id = n.id);

UPDATE group_ancestors SET display = group_ancestors.display || n.suffix FROM renamed_groups n
WHERE group_ancestors.tenant = n.tenant AND group_ancestors.ancestor_id = n.id;

UPDATE resources SET
  display  = resources.display || n.suffix,
  document = json_set(document, '$.displayName', (document ->> 'displayName') || n.suffix),
  keys     = json_set(keys, '$.displayName', (keys ->> 'displayName') || n.suffix),
  version  = version + 1,
  modified = MAX(modified, unixepoch() * 1000)
FROM renamed_groups n
WHERE resources.tenant = n.tenant AND resources.id = n.id;

CREATE UNIQUE INDEX resources_group_name ON resources (tenant, keys ->> 'displayName') WHERE type = 'Group';

DROP TABLE renamed_groups;
