-- The newest migrations that builds may know and still work with this schema: all since the last one that took something away.
CREATE TABLE schema_serves (
  revision text PRIMARY KEY
);
GRANT SELECT ON schema_serves TO arflow_app;
