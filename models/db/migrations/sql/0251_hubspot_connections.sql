-- Connections lead to HubSpot, too. The table holds a handful of rows: it is looked through while it is locked.
ALTER TABLE source_connections
  DROP CONSTRAINT source_connections_kind_check,
  ADD CONSTRAINT source_connections_kind_check CHECK (kind IN ('salesforce', 'hubspot'));
