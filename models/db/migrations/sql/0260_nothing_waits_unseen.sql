-- How far something open had come when it was looked at, and since when it has not come farther.
CREATE TABLE work_seen (
  org_id    text NOT NULL,
  kind      text NOT NULL,
  record_id text NOT NULL,
  mark      text NOT NULL,
  since     timestamptz NOT NULL,
  seen_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, kind, record_id)
);
CALL arflow_guard('work_seen', 'SELECT, INSERT, UPDATE, DELETE');

-- When a process of each kind, by name, was last there.
CREATE TABLE processes_seen (
  kind    text NOT NULL,
  name    text NOT NULL,
  build   text,
  seen_at timestamptz NOT NULL,
  PRIMARY KEY (kind, name)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON processes_seen TO arflow_app;
