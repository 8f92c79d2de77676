-- Activities may come from a source: under which id there. Those that our people logged have none.
ALTER TABLE activities ADD COLUMN source text NOT NULL DEFAULT 'arflow', ADD COLUMN external_id text;
CREATE UNIQUE INDEX activities_heard ON activities (org_id, source, external_id) WHERE external_id IS NOT NULL;
