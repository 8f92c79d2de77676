CREATE TABLE payment_terms (
  org_id text NOT NULL REFERENCES organisations,
  code   text NOT NULL,
  days   int NOT NULL CHECK (days BETWEEN 0 AND 3650),
  PRIMARY KEY (org_id, code)
);
CALL arflow_guard('payment_terms', 'SELECT, INSERT, UPDATE');

-- The master record. erased_at: a policy let a customer with transactions be erased; a pseudonym stays that the ledger may
-- point to. import_id: which import made it, null for all others; in-file duplicates are told from strangers by it.
CREATE TABLE customers (
  org_id          text NOT NULL REFERENCES organisations,
  id              text NOT NULL,
  legal_entity_id text NOT NULL,
  external_id     text,
  name            text NOT NULL,
  email           text NOT NULL,
  name_key        text COLLATE "C" NOT NULL,
  email_key       text COLLATE "C" NOT NULL,
  tax_id          text,
  tax_id_key      text COLLATE "C",
  phone           text,
  website         text,
  billing_email   text,
  notes           text,
  customer_type   text,
  credit_limit    numeric CHECK (credit_limit >= 0),
  payment_terms   text,
  currency_code   char(3),
  tax_code        text,
  revenue_account text,
  metadata        jsonb NOT NULL DEFAULT '{}',
  status          text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive')),
  version         bigint NOT NULL DEFAULT 1,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  erased_at       timestamptz,
  import_id       text,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  FOREIGN KEY (org_id, payment_terms) REFERENCES payment_terms
);
CREATE UNIQUE INDEX customers_email ON customers (org_id, email_key);
CREATE UNIQUE INDEX customers_tax_id ON customers (org_id, tax_id_key) WHERE tax_id_key IS NOT NULL;
CREATE UNIQUE INDEX customers_external ON customers (org_id, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX customers_name ON customers (org_id, name_key);
CREATE INDEX customers_list ON customers (org_id, status, id);
CALL arflow_guard('customers', 'SELECT, INSERT, UPDATE, DELETE');
CREATE INDEX customers_id ON customers (id);
-- Customers in full: related records, entity overrides; changes and their chains of approval; delegation; policies.

CREATE TRIGGER import_forget AFTER DELETE ON customers FOR EACH ROW EXECUTE FUNCTION import_forget_customer();
CREATE TRIGGER import_forget_erased AFTER UPDATE OF erased_at ON customers FOR EACH ROW WHEN (NEW.erased_at IS NOT NULL)
  EXECUTE FUNCTION import_forget_customer();

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
