-- What the 360 view shows beside the books: opportunities, quotes, orders, cases, contracts, survey answers, activities.
-- A record belongs to a source ("arflow": written here or by PUT /v1/sources/…; else a connection's name) and is known
-- there by its external_id. Words such as a stage keep the source's spelling; `closed` is what our rules make of them.

CREATE TABLE opportunities (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  source        text NOT NULL DEFAULT 'arflow',
  external_id   text NOT NULL,
  name          text NOT NULL,
  value_minor   bigint NOT NULL CHECK (value_minor >= 0),
  currency_code char(3) NOT NULL,
  stage         text NOT NULL,
  close_date    date NOT NULL,
  closed        boolean NOT NULL DEFAULT false,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, source, external_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX opportunities_open ON opportunities (org_id, customer_id, close_date, id) WHERE NOT closed;
CREATE INDEX opportunities_customer ON opportunities (org_id, customer_id, id);
CREATE INDEX opportunities_id ON opportunities (id);
CALL arflow_guard('opportunities', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE quotes (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  source        text NOT NULL DEFAULT 'arflow',
  external_id   text NOT NULL,
  name          text,
  value_minor   bigint CHECK (value_minor >= 0),
  currency_code char(3),
  status        text NOT NULL,
  expiry_date   date,
  closed        boolean NOT NULL DEFAULT false,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, source, external_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX quotes_active ON quotes (org_id, customer_id, expiry_date, id) WHERE NOT closed;
CREATE INDEX quotes_customer ON quotes (org_id, customer_id, id);
CREATE INDEX quotes_id ON quotes (id);
CALL arflow_guard('quotes', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE orders (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  source        text NOT NULL DEFAULT 'arflow',
  external_id   text NOT NULL,
  value_minor   bigint CHECK (value_minor >= 0),
  currency_code char(3),
  status        text NOT NULL,
  ship_date     date,
  order_date    date,
  recent_on     date NOT NULL, -- order_date, else ship_date, else the day we heard of it
  closed        boolean NOT NULL DEFAULT false,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, source, external_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX orders_recent ON orders (org_id, customer_id, recent_on DESC, id DESC);
CREATE INDEX orders_customer ON orders (org_id, customer_id, id);
CREATE INDEX orders_id ON orders (id);
CALL arflow_guard('orders', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE cases (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  source        text NOT NULL DEFAULT 'arflow',
  external_id   text NOT NULL,
  subject       text NOT NULL,
  priority      text NOT NULL,
  priority_rank int NOT NULL, -- 1 is the most urgent
  status        text NOT NULL,
  sla_status    text,
  sla_due_at    timestamptz,
  closed        boolean NOT NULL DEFAULT false,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, source, external_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE,
  CHECK (sla_status IS NOT NULL OR sla_due_at IS NOT NULL)
);
CREATE INDEX cases_open ON cases (org_id, customer_id, priority_rank, id) WHERE NOT closed;
CREATE INDEX cases_customer ON cases (org_id, customer_id, id);
CREATE INDEX cases_id ON cases (id);
CALL arflow_guard('cases', 'SELECT, INSERT, UPDATE, DELETE');

-- notice_days: how long before the renewal date the decision to renew or leave is due.
CREATE TABLE contracts (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  source        text NOT NULL DEFAULT 'arflow',
  external_id   text NOT NULL,
  name          text,
  status        text NOT NULL,
  renewal_date  date NOT NULL,
  notice_days   int NOT NULL CHECK (notice_days BETWEEN 0 AND 3650),
  notice_from   date GENERATED ALWAYS AS (renewal_date - notice_days) STORED,
  arr_minor     bigint NOT NULL CHECK (arr_minor >= 0),
  mrr_minor     bigint NOT NULL CHECK (mrr_minor >= 0),
  currency_code char(3) NOT NULL,
  owner_user    text,
  closed        boolean NOT NULL DEFAULT false,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, source, external_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX contracts_active ON contracts (org_id, customer_id, renewal_date, id) WHERE NOT closed;
CREATE INDEX contracts_notice ON contracts (org_id, notice_from, id) WHERE NOT closed;
CREATE INDEX contracts_customer ON contracts (org_id, customer_id, id);
CREATE INDEX contracts_id ON contracts (id);
CALL arflow_guard('contracts', 'SELECT, INSERT, UPDATE, DELETE');

CREATE TABLE nps_responses (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  source        text NOT NULL DEFAULT 'arflow',
  external_id   text NOT NULL,
  score         int NOT NULL CHECK (score BETWEEN -100 AND 100),
  surveyed_at   timestamptz NOT NULL,
  contact_id    text,
  created_by    text NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, source, external_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX nps_responses_latest ON nps_responses (org_id, customer_id, surveyed_at DESC, id DESC);
CREATE INDEX nps_responses_id ON nps_responses (id);
CALL arflow_guard('nps_responses', 'SELECT, INSERT, UPDATE, DELETE');

-- The contact timeline. An activity is never changed; it goes only when its customer is erased.
CREATE TABLE activities (
  org_id        text NOT NULL,
  id            text NOT NULL,
  customer_id   text NOT NULL,
  type          text NOT NULL CHECK (type IN ('call', 'email', 'meeting', 'note')),
  notes         text NOT NULL CHECK (length(notes) <= 20000),
  contact_id    text,
  occurred_at   timestamptz NOT NULL,
  logged_by     text NOT NULL,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX activities_timeline ON activities (org_id, customer_id, occurred_at DESC, id DESC);
CREATE INDEX activities_contact ON activities (org_id, customer_id, contact_id, occurred_at DESC, id DESC) WHERE contact_id IS NOT NULL;
CREATE INDEX activities_id ON activities (id);
CALL arflow_guard('activities', 'SELECT, INSERT, DELETE');

-- A case put on somebody's desk. One open escalation per case; its process watches the due time.
CREATE TABLE case_escalations (
  org_id        text NOT NULL,
  id            text NOT NULL,
  case_id       text NOT NULL,
  customer_id   text NOT NULL,
  reason_code   text NOT NULL,
  note          text,
  status        text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'RESOLVED')),
  owner_role    text NOT NULL,
  escalated_by  text NOT NULL,
  escalated_at  timestamptz NOT NULL,
  remind_at     timestamptz NOT NULL,
  due_at        timestamptz NOT NULL,
  reminded_at   timestamptz,
  overdue_at    timestamptz,
  resolved_at   timestamptz,
  command_id    text NOT NULL,
  workflow_id   text,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, command_id),
  FOREIGN KEY (org_id, case_id) REFERENCES cases ON DELETE CASCADE
);
CREATE UNIQUE INDEX case_escalations_open ON case_escalations (org_id, case_id) WHERE status = 'OPEN';
CREATE INDEX case_escalations_case ON case_escalations (org_id, case_id, id);
CALL arflow_guard('case_escalations', 'SELECT, INSERT, UPDATE, DELETE');

-- External systems that serve panels. `credential` names a secret; the secret itself is never stored here.
CREATE TABLE source_connections (
  org_id         text NOT NULL REFERENCES organisations,
  name           text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_-]{0,39}$' AND name <> 'arflow'),
  kind           text NOT NULL CHECK (kind IN ('salesforce')),
  base_url       text NOT NULL,
  credential     text,
  panels         text[] NOT NULL,
  timeout_ms     int NOT NULL DEFAULT 8000 CHECK (timeout_ms BETWEEN 100 AND 60000),
  max_concurrent int NOT NULL DEFAULT 8 CHECK (max_concurrent BETWEEN 1 AND 64),
  enabled        boolean NOT NULL DEFAULT true,
  updated_at     timestamptz NOT NULL,
  updated_by     text NOT NULL,
  PRIMARY KEY (org_id, name)
);
CALL arflow_guard('source_connections', 'SELECT, INSERT, UPDATE');

-- How fresh an externally served panel of a customer is. The records themselves stand in the tables above.
CREATE TABLE panel_snapshots (
  org_id          text NOT NULL,
  customer_id     text NOT NULL,
  panel           text NOT NULL,
  source          text NOT NULL,
  as_of           timestamptz, -- when the source last answered; null: never
  attempted_at    timestamptz NOT NULL,
  failures        int NOT NULL DEFAULT 0,
  error_code      text,
  next_attempt_at timestamptz,
  PRIMARY KEY (org_id, customer_id, panel),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
) WITH (fillfactor = 80);
CALL arflow_guard('panel_snapshots', 'SELECT, INSERT, UPDATE, DELETE');

-- Who is being looked at: the schedule keeps these customers' external panels fresh.
CREATE TABLE customer_360_views (
  org_id      text NOT NULL,
  customer_id text NOT NULL,
  viewed_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, customer_id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers ON DELETE CASCADE
) WITH (fillfactor = 80);
CREATE INDEX customer_360_views_recent ON customer_360_views (org_id, viewed_at);
CALL arflow_guard('customer_360_views', 'SELECT, INSERT, UPDATE, DELETE');
