-- The console looks for people by what they are called: "Paul Smith" by its beginning, and by that of the family name.
-- Derived from the folded document, so that what is there already is found too. (The sender's upserts name rows that exist,
-- with no document.)

ALTER TABLE resources ADD COLUMN full_key TEXT GENERATED ALWAYS AS (CASE WHEN type = 'User' AND keys <> '' THEN
  NULLIF(trim(COALESCE(keys ->> '$.name.givenName', '') || ' ' || COALESCE(keys ->> '$.name.familyName', '')), '') END) VIRTUAL;
ALTER TABLE resources ADD COLUMN family_key TEXT GENERATED ALWAYS AS (CASE WHEN type = 'User' AND keys <> '' THEN
  NULLIF(keys ->> '$.name.familyName', '') END) VIRTUAL;
ALTER TABLE resources ADD COLUMN display_key TEXT GENERATED ALWAYS AS (CASE WHEN type = 'User' AND keys <> '' THEN
  NULLIF(keys ->> '$.displayName', '') END) VIRTUAL;
CREATE INDEX resources_full   ON resources (tenant, type, full_key, id)   WHERE full_key IS NOT NULL;
CREATE INDEX resources_family ON resources (tenant, type, family_key, id) WHERE family_key IS NOT NULL;
