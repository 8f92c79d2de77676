-- Customers in full: related records, entity overrides; changes and their chains of approval; delegation; policies.

-- Kept where a policy let a customer with transactions be erased: a pseudonym that the ledger may point to.
ALTER TABLE customers ADD COLUMN erased_at timestamptz;

CREATE TABLE customer_addresses (
  org_id      text NOT NULL,
  id          text NOT NULL,
  customer_id text NOT NULL,
  type        text NOT NULL CHECK (type IN ('billing', 'shipping')),
  lines       jsonb NOT NULL,
  city        text NOT NULL,
  region      text,
  postal_code text,
  country     char(2) NOT NULL,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers
);
CREATE INDEX customer_addresses_customer ON customer_addresses (org_id, customer_id, id);
CALL arflow_guard('customer_addresses', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE customer_contacts (
  org_id      text NOT NULL,
  id          text NOT NULL,
  customer_id text NOT NULL,
  name        text NOT NULL,
  email       text,
  phone       text,
  role        text,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers
);
CREATE INDEX customer_contacts_customer ON customer_contacts (org_id, customer_id, id);
CREATE INDEX customer_contacts_id ON customer_contacts (id);
CALL arflow_guard('customer_contacts', 'SELECT, INSERT, UPDATE, DELETE');

-- Both ends of a range belong to it; null is open. Overlaps are refused by the rule, under the customer's row lock.
CREATE TABLE customer_pricing_tiers (
  org_id         text NOT NULL,
  id             text NOT NULL,
  customer_id    text NOT NULL,
  item           text COLLATE "C" NOT NULL,
  price          numeric NOT NULL CHECK (price >= 0),
  currency_code  char(3),
  min_quantity   numeric CHECK (min_quantity >= 0),
  max_quantity   numeric,
  effective_from date,
  effective_to   date,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  CHECK (max_quantity >= min_quantity),
  CHECK (effective_to >= effective_from)
);
CREATE INDEX customer_pricing_tiers_customer ON customer_pricing_tiers (org_id, customer_id, item, id);
CALL arflow_guard('customer_pricing_tiers', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE customer_tax_profiles (
  org_id                 text NOT NULL,
  id                     text NOT NULL,
  customer_id            text NOT NULL,
  tax_code               text NOT NULL,
  certificate_number     text,
  certificate_expires_on date,
  effective_from         date,
  effective_to           date,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  CHECK (effective_to >= effective_from)
);
CREATE INDEX customer_tax_profiles_customer ON customer_tax_profiles (org_id, customer_id, id);
CREATE INDEX customer_tax_profiles_expiry ON customer_tax_profiles (org_id, certificate_expires_on) WHERE certificate_expires_on IS NOT NULL;
CALL arflow_guard('customer_tax_profiles', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE customer_dimensions (
  org_id      text NOT NULL,
  id          text NOT NULL,
  customer_id text NOT NULL,
  type        text NOT NULL,
  code        text NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, customer_id, type),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers
);
CALL arflow_guard('customer_dimensions', 'SELECT, INSERT, UPDATE, DELETE');

-- What one legal entity sees differently. `fields` holds only what differs from the master.
CREATE TABLE customer_entity_overrides (
  org_id          text NOT NULL,
  customer_id     text NOT NULL,
  legal_entity_id text NOT NULL,
  fields          jsonb NOT NULL,
  PRIMARY KEY (org_id, customer_id, legal_entity_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
);
CREATE INDEX customer_entity_overrides_entity ON customer_entity_overrides (org_id, legal_entity_id, customer_id);
CALL arflow_guard('customer_entity_overrides', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE approval_policies (
  org_id     text PRIMARY KEY REFERENCES organisations,
  policy     jsonb NOT NULL,
  version    bigint NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL,
  updated_by text NOT NULL
);
CALL arflow_guard('approval_policies', 'SELECT, INSERT, UPDATE');

-- A change to a customer and where it stands. The `awaiting_*` columns mirror the pending step: the inbox reads them.
CREATE TABLE customer_changes (
  org_id          text NOT NULL REFERENCES organisations,
  id              text NOT NULL,
  operation       text NOT NULL CHECK (operation IN ('create', 'update', 'deactivate', 'reactivate', 'delete')),
  customer_id     text NOT NULL,
  legal_entity_id text NOT NULL,
  entities        text[] NOT NULL,
  external_id     text,
  lane            text NOT NULL CHECK (lane IN ('yellow', 'red')),
  status          text NOT NULL CHECK (status IN ('PENDING_APPROVAL', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'FAILED')),
  round           int NOT NULL DEFAULT 1,
  returned        boolean NOT NULL DEFAULT false,
  mode            text CHECK (mode IN ('soft', 'hard')),
  force           boolean NOT NULL DEFAULT false,
  reason_code     text,
  submitted_by    text NOT NULL,
  submitted_at    timestamptz NOT NULL,
  command_id      text NOT NULL,
  workflow_id     text NOT NULL,
  body_hash       text,
  base_version    bigint,
  request         jsonb,
  diff            jsonb,
  warnings        jsonb NOT NULL DEFAULT '[]',
  deciders        text[] NOT NULL DEFAULT '{}',
  awaiting_step   int,
  awaiting_role   text,
  awaiting_since  timestamptz,
  remind_at       timestamptz,
  due_at          timestamptz,
  failure_code    text,
  failure_detail  text,
  closed_at       timestamptz,
  PRIMARY KEY (org_id, id),
  CHECK ((awaiting_role IS NULL) = (awaiting_step IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX customer_changes_inbox ON customer_changes (org_id, awaiting_role, id)
  INCLUDE (submitted_by) WHERE awaiting_role IS NOT NULL;
CREATE INDEX customer_changes_status ON customer_changes (org_id, status, id);
CREATE INDEX customer_changes_customer ON customer_changes (org_id, customer_id, id);
CREATE INDEX customer_changes_id ON customer_changes (id);
-- A rejected or withdrawn create has made no record: its external id is free again.
CREATE UNIQUE INDEX customer_changes_external ON customer_changes (org_id, external_id)
  WHERE operation = 'create' AND external_id IS NOT NULL AND status NOT IN ('REJECTED', 'WITHDRAWN');
CALL arflow_guard('customer_changes', 'SELECT, INSERT, UPDATE');

CREATE TABLE customer_change_steps (
  org_id          text NOT NULL,
  change_id       text NOT NULL,
  round           int NOT NULL,
  step            int NOT NULL,
  role            text NOT NULL,
  status          text NOT NULL CHECK (status IN ('WAITING', 'PENDING', 'APPROVED', 'REJECTED', 'SKIPPED')),
  remind_after    interval NOT NULL,
  escalate_after  interval NOT NULL,
  fallback        text NOT NULL,
  started_at      timestamptz,
  remind_at       timestamptz,
  due_at          timestamptz,
  reminded_at     timestamptz,
  escalated_at    timestamptz,
  decided_by      text,
  decided_at      timestamptz,
  on_behalf_of    text,
  reason_code     text,
  comment         text,
  delegated_to    text,
  delegated_by    text,
  delegated_until timestamptz,
  PRIMARY KEY (org_id, change_id, round, step),
  FOREIGN KEY (org_id, change_id) REFERENCES customer_changes,
  CHECK (status NOT IN ('APPROVED', 'REJECTED') OR decided_by IS NOT NULL)
);
CALL arflow_guard('customer_change_steps', 'SELECT, INSERT, UPDATE');
-- The database's own word on segregation: one person decides at most one step of a round.
CREATE UNIQUE INDEX customer_change_steps_distinct ON customer_change_steps (org_id, change_id, round, decided_by)
  WHERE decided_by IS NOT NULL;

-- Every decision of every round, as it was made.
CREATE TABLE customer_change_decisions (
  org_id       text NOT NULL,
  id           text NOT NULL,
  change_id    text NOT NULL,
  round        int NOT NULL,
  step         int NOT NULL,
  role         text NOT NULL,
  decision     text NOT NULL CHECK (decision IN ('approve', 'reject', 'return')),
  decided_by   text NOT NULL,
  on_behalf_of text,
  reason_code  text,
  comment      text,
  channel      text NOT NULL CHECK (channel IN ('api', 'signal')),
  decided_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, change_id) REFERENCES customer_changes
);
CREATE INDEX customer_change_decisions_change ON customer_change_decisions (org_id, change_id, id);
CALL arflow_guard('customer_change_decisions', 'SELECT, INSERT');

-- E-mails and tax ids that open changes have asked for: they count as taken until the change ends.
CREATE TABLE customer_claims (
  org_id      text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('email', 'tax_id')),
  key         text COLLATE "C" NOT NULL,
  change_id   text NOT NULL,
  customer_id text NOT NULL,
  PRIMARY KEY (org_id, kind, key)
);
CREATE INDEX customer_claims_change ON customer_claims (org_id, change_id);
CALL arflow_guard('customer_claims', 'SELECT, INSERT, DELETE');

-- Who has been seen with which roles: by this a delegate's and a token holder's role is known.
CREATE TABLE people (
  org_id   text NOT NULL REFERENCES organisations,
  user_id  text NOT NULL,
  roles    text[] NOT NULL,
  entities text[],
  seen_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, user_id)
);
CALL arflow_guard('people', 'SELECT, INSERT, UPDATE');

CREATE TABLE out_of_office (
  org_id           text NOT NULL REFERENCES organisations,
  user_id          text NOT NULL,
  delegate_user_id text,
  starts_at        timestamptz NOT NULL,
  ends_at          timestamptz NOT NULL,
  updated_at       timestamptz NOT NULL,
  PRIMARY KEY (org_id, user_id),
  CHECK (ends_at > starts_at),
  CHECK (delegate_user_id <> user_id)
);
CREATE INDEX out_of_office_delegate ON out_of_office (org_id, delegate_user_id);
CALL arflow_guard('out_of_office', 'SELECT, INSERT, UPDATE, DELETE');

-- Single-use proofs for decisions by signal, each signed with a key of its own.
CREATE TABLE approval_tokens (
  org_id     text NOT NULL,
  id         text NOT NULL,
  change_id  text NOT NULL,
  round      int NOT NULL,
  step       int NOT NULL,
  user_id    text NOT NULL,
  roles      text[] NOT NULL,
  entities   text[],
  key        bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, change_id) REFERENCES customer_changes
);
CREATE INDEX approval_tokens_change ON approval_tokens (org_id, change_id);
CALL arflow_guard('approval_tokens', 'SELECT, INSERT, UPDATE, DELETE');

-- Erases a customer: its records, what changes, commands, exceptions and the audit trail said of it. Runs as the owner,
-- because the application may not update decisions, outbox events or audit payloads. With p_keep a pseudonym stays for
-- the ledger to point to. Tables of other rooms that carry customer_id are emptied of it, whatever they are.
CREATE FUNCTION erase_customer(p_customer text, p_change text, p_keep boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
  v_org text := current_setting('arflow.org_id', true);
  v_changes text[];
  v_subject text;
  v_table text;
BEGIN
  SELECT coalesce(array_agg(id), '{}') INTO v_changes FROM customer_changes WHERE org_id = v_org AND customer_id = p_customer;
  UPDATE customer_changes SET request = NULL, diff = NULL, warnings = '[]', external_id = NULL, body_hash = NULL, failure_detail = NULL
    WHERE org_id = v_org AND id = ANY(v_changes);
  UPDATE customer_change_steps SET comment = NULL WHERE org_id = v_org AND change_id = ANY(v_changes) AND comment IS NOT NULL;
  UPDATE customer_change_decisions SET comment = NULL WHERE org_id = v_org AND change_id = ANY(v_changes) AND comment IS NOT NULL;
  DELETE FROM approval_tokens WHERE org_id = v_org AND change_id = ANY(v_changes) AND used_at IS NULL;
  DELETE FROM customer_claims WHERE org_id = v_org AND customer_id = p_customer;
  -- What asked for the deletion and decided it stays repeatable, unless it carries words of its own.
  DELETE FROM commands WHERE org_id = v_org AND (customer_id = p_customer OR resource_id = p_customer OR resource_id = ANY(v_changes))
    AND NOT (operation = 'customer.delete' OR (resource_id = p_change AND body ->> 'comment' IS NULL));
  UPDATE exceptions SET detail = '{}', note = NULL WHERE org_id = v_org AND (subject_id = p_customer OR subject_id = ANY(v_changes));
  UPDATE outbox_events SET data = jsonb_build_object('customer_id', p_customer)
    WHERE org_id = v_org AND subject = p_customer AND type <> 'customer.deleted';
  FOREACH v_subject IN ARRAY v_changes || p_customer LOOP
    PERFORM audit_erase(v_subject);
  END LOOP;
  FOR v_table IN
    SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND c.column_name = 'customer_id' AND t.table_type = 'BASE TABLE'
       AND c.table_name NOT IN ('customers', 'customer_changes', 'commands', 'invoices', 'payments', 'customer_credits',
                                'payment_applications', 'journal_lines')
     ORDER BY c.table_name
  LOOP
    EXECUTE format('DELETE FROM %I WHERE org_id = $1 AND customer_id = $2', v_table) USING v_org, p_customer;
  END LOOP;
  IF p_keep THEN
    UPDATE customers SET name = 'Erased ' || id, name_key = lower('erased ' || id), email = id || '@erased.invalid',
      email_key = id || '@erased.invalid', external_id = NULL, tax_id = NULL, tax_id_key = NULL, phone = NULL, website = NULL,
      billing_email = NULL, notes = NULL, tax_code = NULL, metadata = '{}', status = 'inactive', erased_at = now(),
      version = version + 1, updated_at = now()
      WHERE org_id = v_org AND id = p_customer;
  ELSE
    DELETE FROM customers WHERE org_id = v_org AND id = p_customer;
  END IF;
END $$;
REVOKE ALL ON FUNCTION erase_customer(text, text, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION erase_customer(text, text, boolean) TO arflow_app;

-- Analytical dimensions: a type ("department") has values by code ("SALES").
CREATE TABLE dimensions (
  org_id     text NOT NULL REFERENCES organisations,
  type       text NOT NULL,
  code       text NOT NULL,
  name       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, type, code)
);
CALL arflow_guard('dimensions', 'SELECT, INSERT, UPDATE');
