-- Bulk imports: the uploaded file, its rows as they came, as they were checked, and what became of each.
-- pull: of records pulled from a connection, how far, and when to ask again (operations/imports/pulling.py); null where a
-- file was uploaded. What has been fetched stands in import_files, as an upload does.
-- pruned_at: when the rows lost their texts. What stays of a row: its number, its line, what was found, what became of it.
CREATE TABLE customer_imports (
  org_id          text NOT NULL REFERENCES organisations,
  id              text NOT NULL,
  status          text NOT NULL CHECK (status IN ('STAGING', 'VALIDATING', 'AWAITING_REVIEW', 'EXECUTING', 'PAUSED', 'VALIDATED',
                    'COMPLETED', 'COMPLETED_WITH_ERRORS', 'STOPPED', 'REJECTED', 'CANCELLED', 'FAILED')),
  source          text NOT NULL,
  lane            text NOT NULL DEFAULT 'yellow',
  options         jsonb NOT NULL,
  options_hash    text NOT NULL,
  file_name       text,
  file_hash       text NOT NULL,
  file_bytes      bigint NOT NULL,
  legal_entity_id text NOT NULL,
  submitted_by    text NOT NULL,
  entities        text[],
  command_id      text NOT NULL,
  request_id      text NOT NULL,
  workflow_id     text NOT NULL,
  layout          jsonb,
  steps           jsonb NOT NULL DEFAULT '[]',
  batch_size      int NOT NULL CHECK (batch_size BETWEEN 1 AND 1000),
  attempt         bigint NOT NULL DEFAULT 0,
  staged_rows     bigint NOT NULL DEFAULT 0,
  total_rows      bigint NOT NULL DEFAULT 0,
  validated_rows  bigint NOT NULL DEFAULT 0,
  valid_rows      bigint NOT NULL DEFAULT 0,
  error_rows      bigint NOT NULL DEFAULT 0,
  warning_rows    bigint NOT NULL DEFAULT 0,
  duplicate_rows  bigint NOT NULL DEFAULT 0,
  executed_rows   bigint NOT NULL DEFAULT 0,
  created         bigint NOT NULL DEFAULT 0,
  updated         bigint NOT NULL DEFAULT 0,
  skipped         bigint NOT NULL DEFAULT 0,
  failed          bigint NOT NULL DEFAULT 0,
  not_attempted   bigint NOT NULL DEFAULT 0,
  batches_done    bigint NOT NULL DEFAULT 0,
  batches_total   bigint NOT NULL DEFAULT 0,
  summary         jsonb,
  failure         jsonb,
  created_at      timestamptz NOT NULL,
  staged_at       timestamptz,
  validated_at    timestamptz,
  started_at      timestamptz,
  ended_at        timestamptz,
  pull            jsonb,
  pruned_at       timestamptz,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
) WITH (fillfactor = 70);
CREATE INDEX customer_imports_file ON customer_imports (org_id, file_hash, options_hash, id);
CREATE INDEX customer_imports_id ON customer_imports (id);
CALL arflow_guard('customer_imports', 'SELECT, INSERT, UPDATE');
CREATE INDEX customer_imports_to_prune ON customer_imports (org_id, ended_at) WHERE pruned_at IS NULL AND ended_at IS NOT NULL;

-- The upload in pieces, so that any worker can read it; deleted once every row is staged.
CREATE TABLE import_files (
  org_id    text NOT NULL,
  import_id text NOT NULL,
  seq       int NOT NULL,
  content   bytea NOT NULL,
  at        timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, import_id, seq)
);
ALTER TABLE import_files ALTER COLUMN content SET STORAGE EXTERNAL;
CALL arflow_guard('import_files', 'SELECT, INSERT, DELETE');

-- Rows as they stood in the file. COPY is refused under row-level security: the loader role may only insert here, and the
-- application reads through the view. `line` is where the row begins in the file; `raw` is its text, null once erased.
CREATE TABLE import_line_data (
  import_id text COLLATE "C" NOT NULL,
  row_no    bigint NOT NULL,
  line      bigint NOT NULL,
  org_id    text NOT NULL,
  raw       text,
  PRIMARY KEY (import_id, row_no)
);
GRANT INSERT ON import_line_data TO arflow_loader;

CREATE VIEW import_lines WITH (security_barrier) AS
  SELECT * FROM import_line_data WHERE org_id = (SELECT current_setting('arflow.org_id', true));
GRANT SELECT, DELETE ON import_lines TO arflow_app;

-- Rows as they were checked: the customer each would make, or what is wrong with it. `duplicate` and `match_id` are found
-- by comparing with the master, with pending changes and with earlier rows; execution looks again.
CREATE TABLE import_row_data (
  import_id       text COLLATE "C" NOT NULL,
  row_no          bigint NOT NULL,
  org_id          text NOT NULL,
  ok              boolean NOT NULL,
  customer_id     text,
  legal_entity_id text,
  external_id     text,
  name            text,
  email           text,
  name_key        text COLLATE "C",
  email_key       text COLLATE "C",
  tax_id          text,
  tax_id_key      text COLLATE "C",
  phone           text,
  website         text,
  billing_email   text,
  notes           text,
  customer_type   text,
  credit_limit    numeric,
  payment_terms   text,
  currency_code   text,
  tax_code        text,
  revenue_account text,
  metadata        jsonb,
  errors          jsonb,
  warnings        text[],
  duplicate       text[],
  match_id        text,
  related         jsonb,
  in_file         boolean NOT NULL DEFAULT false,
  PRIMARY KEY (import_id, row_no)
) WITH (fillfactor = 90);
GRANT INSERT ON import_row_data TO arflow_loader;

CREATE VIEW import_rows WITH (security_barrier) AS
  SELECT * FROM import_row_data WHERE org_id = (SELECT current_setting('arflow.org_id', true));
GRANT SELECT, DELETE, UPDATE (warnings, duplicate, match_id, in_file) ON import_rows TO arflow_app;

-- What became of a row, written with what it did, in one transaction. `record_id` is the customer made, changed or met.
CREATE TABLE import_outcomes (
  import_id text COLLATE "C" NOT NULL,
  row_no    bigint NOT NULL,
  org_id    text NOT NULL,
  outcome   text NOT NULL CHECK (outcome IN ('created', 'updated', 'skipped', 'failed')),
  codes     text[],
  record_id text,
  PRIMARY KEY (import_id, row_no)
);
CALL arflow_guard('import_outcomes', 'SELECT, INSERT');
CALL arflow_append_only('import_outcomes');

-- A mapping of a source's column names that an organisation has saved under a name.
CREATE TABLE import_mappings (
  org_id     text NOT NULL REFERENCES organisations,
  name       text NOT NULL,
  source     text NOT NULL,
  mapping    jsonb NOT NULL,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL,
  PRIMARY KEY (org_id, name)
);
CALL arflow_guard('import_mappings', 'SELECT, INSERT, UPDATE, DELETE');
