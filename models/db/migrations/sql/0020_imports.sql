-- Bulk imports: the uploaded file, its rows as they came, as they were checked, and what became of each.

-- Which import made a customer; null for all others. In-file duplicates are told from strangers by it.
ALTER TABLE customers ADD COLUMN import_id text;

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
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
) WITH (fillfactor = 70);
CREATE INDEX customer_imports_file ON customer_imports (org_id, file_hash, options_hash, id);
CREATE INDEX customer_imports_id ON customer_imports (id);
CALL arflow_guard('customer_imports', 'SELECT, INSERT, UPDATE');

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

-- Fresh rows have no statistics yet, and only their owner may take them.
CREATE FUNCTION import_analyze() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  ANALYZE import_row_data (import_id, row_no, email_key, tax_id_key, external_id);
END $$;
REVOKE ALL ON FUNCTION import_analyze() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION import_analyze() TO arflow_app;

-- Makes the customers of the rows p_from..p_to that are in order and not in p_except, with the first link of each one's
-- audit chain (set-based: a new chain has no head to lock), its outbox event and the row's outcome. Answers how many.
CREATE FUNCTION import_create_customers(p_org text, p_import text, p_from bigint, p_to bigint, p_except bigint[], p_at timestamptz,
                                        p_actor text, p_request text, p_workflow text) RETURNS bigint LANGUAGE sql AS $$
  WITH batch AS MATERIALIZED (
    SELECT * FROM import_rows r
     WHERE r.import_id = p_import AND r.row_no BETWEEN p_from AND p_to AND r.ok AND r.row_no <> ALL (p_except)
  ), made AS (
    INSERT INTO customers (org_id, id, legal_entity_id, external_id, name, email, name_key, email_key, tax_id, tax_id_key, phone, website,
                           billing_email, notes, customer_type, credit_limit, payment_terms, currency_code, tax_code, revenue_account,
                           metadata, import_id, created_at, updated_at)
    SELECT p_org, customer_id, legal_entity_id, external_id, name, email, name_key, email_key, tax_id, tax_id_key, phone, website,
           billing_email, notes, customer_type, credit_limit, payment_terms, currency_code, tax_code, revenue_account,
           coalesce(metadata, '{}'), p_import, p_at, p_at
      FROM batch
  ), related AS MATERIALIZED (
    SELECT customer_id, r.related AS of FROM batch r WHERE r.related IS NOT NULL
  ), addresses AS (
    INSERT INTO customer_addresses (org_id, customer_id, id, type, lines, city, region, postal_code, country)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'addresses')
      AS x(id text, type text, lines jsonb, city text, region text, postal_code text, country text)
  ), contacts AS (
    INSERT INTO customer_contacts (org_id, customer_id, id, name, email, phone, role)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'contacts')
      AS x(id text, name text, email text, phone text, role text)
  ), tiers AS (
    INSERT INTO customer_pricing_tiers (org_id, customer_id, id, item, price, currency_code, min_quantity, max_quantity,
                                        effective_from, effective_to)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'pricing_tiers')
      AS x(id text, item text, price numeric, currency_code text, min_quantity numeric, max_quantity numeric,
           effective_from date, effective_to date)
  ), profiles AS (
    INSERT INTO customer_tax_profiles (org_id, customer_id, id, tax_code, certificate_number, certificate_expires_on,
                                       effective_from, effective_to)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'tax_profiles')
      AS x(id text, tax_code text, certificate_number text, certificate_expires_on date, effective_from date, effective_to date)
  ), dimensions AS (
    INSERT INTO customer_dimensions (org_id, customer_id, id, type, code)
    SELECT p_org, customer_id, x.* FROM related, jsonb_to_recordset(of -> 'dimensions') AS x(id text, type text, code text)
  ), said AS MATERIALIZED (
    SELECT customer_id AS id, uuid_send(gen_random_uuid()) AS salt,
           json_strip_nulls(json_build_object('import_id', p_import, 'row', row_no, 'after', json_build_object(
             'name', name, 'email', email, 'legal_entity_id', legal_entity_id, 'external_id', external_id, 'phone', phone,
             'website', website, 'billing_email', billing_email, 'tax_id', tax_id, 'notes', notes, 'customer_type', customer_type,
             'credit_limit', credit_limit::text, 'payment_terms', payment_terms, 'currency_code', currency_code,
             'tax_code', tax_code, 'revenue_account', revenue_account, 'metadata', metadata, 'status', 'active') , 'related', r.related))::text AS payload,
           audit_header(p_org, customer_id, 1, p_at, p_actor, 'customer.created', NULL, p_request, p_workflow) AS header
      FROM batch r
  ), hashed AS MATERIALIZED (
    SELECT id, salt, payload, header, sha256(salt || convert_to(payload, 'UTF8')) AS digest FROM said
  ), linked AS MATERIALIZED (
    SELECT *, sha256(digest || convert_to(header, 'UTF8')) AS hash FROM hashed
  ), events AS (
    INSERT INTO audit_events (org_id, subject_id, seq, id, at, actor, action, request_id, workflow_id, payload, salt, digest, prev_hash, hash)
    SELECT p_org, id, 1, 'aud_' || substr(id, 6), p_at, p_actor, 'customer.created', p_request, p_workflow, payload, salt, digest, '', hash
      FROM linked
  ), heads AS (
    INSERT INTO audit_heads (org_id, subject_id, seq, hash) SELECT p_org, id, 1, hash FROM linked
  ), told AS (
    INSERT INTO outbox_events (org_id, id, type, subject, data, at)
    SELECT p_org, 'evt_' || substr(customer_id, 6), 'customer.created', customer_id,
           jsonb_build_object('customer_id', customer_id, 'import_id', p_import, 'version', 1), p_at
      FROM batch
  ), done AS (
    INSERT INTO import_outcomes (import_id, row_no, org_id, outcome, codes, record_id)
    SELECT p_import, row_no, p_org, 'created', warnings, customer_id FROM batch
  )
  SELECT count(*) FROM batch
$$;

-- A customer that is erased leaves no trace of its data in the files it came from.
CREATE FUNCTION import_forget_customer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
  UPDATE import_line_data l SET raw = NULL FROM import_outcomes o
   WHERE o.org_id = OLD.org_id AND o.record_id = OLD.id AND l.import_id = o.import_id AND l.row_no = o.row_no;
  DELETE FROM import_row_data r USING import_outcomes o
   WHERE o.org_id = OLD.org_id AND o.record_id = OLD.id AND r.import_id = o.import_id AND r.row_no = o.row_no;
  RETURN NULL;
END $$;
CREATE TRIGGER import_forget AFTER DELETE ON customers FOR EACH ROW EXECUTE FUNCTION import_forget_customer();
CREATE TRIGGER import_forget_erased AFTER UPDATE OF erased_at ON customers FOR EACH ROW WHEN (NEW.erased_at IS NOT NULL)
  EXECUTE FUNCTION import_forget_customer();
