-- Tenancy, commands, the audit trail, events for the world outside, exceptions, webhooks.
-- Every table carries org_id and row-level security; the application role owns nothing.

CREATE TABLE organisations (
  org_id     text PRIMARY KEY CHECK (org_id ~ '^org_[a-z0-9_]{1,60}$'),
  name       text NOT NULL,
  settings   jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT now()
);
CALL arflow_guard('organisations', 'SELECT, UPDATE');

CREATE TABLE legal_entities (
  org_id              text NOT NULL REFERENCES organisations,
  id                  text NOT NULL,
  name                text NOT NULL,
  functional_currency char(3) NOT NULL,
  created_at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id)
);
CALL arflow_guard('legal_entities', 'SELECT, INSERT, UPDATE');

-- Which table an id's prefix belongs to: a new kind of record is one row.
CREATE TABLE record_kinds (
  prefix     text PRIMARY KEY,
  table_name text NOT NULL
);
INSERT INTO record_kinds (prefix, table_name) VALUES
  ('cust', 'customers'), ('invoice', 'invoices'), ('pay', 'payments'), ('papp', 'payment_applications'),
  ('cred', 'customer_credits'), ('je', 'journal_entries'), ('recon', 'reconciliations'), ('stmt', 'statements'),
  ('exc', 'exceptions'), ('chg', 'customer_changes'), ('imp', 'customer_imports'), ('act', 'activities'),
  ('opp', 'opportunities'), ('quote', 'quotes'), ('order', 'orders'), ('case', 'cases'), ('contract', 'contracts'),
  ('cont', 'customer_contacts'), ('nps', 'nps_responses'), ('whep', 'webhook_endpoints'),
  ('whdl', 'webhook_deliveries');

-- The request as it was sent: the idempotency record, and what a process works from. Temporal carries only its id.
CREATE TABLE commands (
  org_id      text NOT NULL,
  id          text NOT NULL,
  operation   text NOT NULL,
  path        text NOT NULL,
  idem_key    text NOT NULL,
  key_given   boolean NOT NULL,
  body_hash   text NOT NULL,
  body        jsonb NOT NULL,
  resource_id text,
  subject_id  text,
  customer_id text,
  actor       text NOT NULL,
  roles       text[] NOT NULL,
  entities    text[],
  request_id  text NOT NULL,
  workflow_id text,
  state       text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'done', 'refused')),
  http_status int,
  response    json,
  replayed    boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz,
  PRIMARY KEY (org_id, id)
);
CREATE UNIQUE INDEX commands_key ON commands (org_id, path, idem_key) WHERE state <> 'refused';
CREATE INDEX commands_customer ON commands (org_id, customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX commands_created ON commands (created_at);
CALL arflow_guard('commands', 'SELECT, INSERT, UPDATE, DELETE');
CREATE INDEX commands_workflow ON commands (org_id, workflow_id) WHERE workflow_id IS NOT NULL;

-- The audit trail: a chain per subject. hash = sha256(prev_hash, digest, header); digest = sha256(salt, payload).
-- Salt and payload are erased together; the chain still verifies. Every column is held by the hash: an event is told by
-- its subject and its place there, and has no other id.
CREATE TABLE audit_heads (
  org_id     text NOT NULL,
  subject_id text NOT NULL,
  seq        bigint NOT NULL,
  hash       bytea NOT NULL,
  PRIMARY KEY (org_id, subject_id)
) WITH (fillfactor = 80);
CALL arflow_guard('audit_heads', 'SELECT, INSERT, UPDATE');

CREATE TABLE audit_events (
  org_id      text NOT NULL,
  subject_id  text NOT NULL,
  seq         bigint NOT NULL,
  at          timestamptz NOT NULL,
  actor       text NOT NULL,
  action      text NOT NULL,
  reason_code text,
  request_id  text,
  workflow_id text,
  payload     text,
  salt        bytea,
  digest      bytea NOT NULL,
  prev_hash   bytea NOT NULL,
  hash        bytea NOT NULL,
  PRIMARY KEY (org_id, subject_id, seq),
  CHECK ((payload IS NULL) = (salt IS NULL))
);
CREATE INDEX audit_events_at ON audit_events (org_id, at, subject_id, seq);
CREATE INDEX audit_events_actor ON audit_events (org_id, actor, at);
CALL arflow_guard('audit_events', 'SELECT, INSERT');
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_erase_only();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Daily seal of all heads: the loss of a whole chain shows.
CREATE TABLE audit_seals (
  org_id    text NOT NULL,
  sealed_at timestamptz NOT NULL,
  heads     bigint NOT NULL,
  root      bytea NOT NULL,
  PRIMARY KEY (org_id, sealed_at)
);
CALL arflow_guard('audit_seals', 'SELECT, INSERT');
CALL arflow_append_only('audit_seals');

CREATE TABLE audit_seal_heads (
  org_id     text NOT NULL,
  sealed_at  timestamptz NOT NULL,
  subject_id text NOT NULL,
  seq        bigint NOT NULL,
  hash       bytea NOT NULL,
  PRIMARY KEY (org_id, sealed_at, subject_id),
  FOREIGN KEY (org_id, sealed_at) REFERENCES audit_seals
);
CALL arflow_guard('audit_seal_heads', 'SELECT, INSERT');
CALL arflow_append_only('audit_seal_heads');
-- A seal stores the heads that moved since they were last sealed: what was sealed of a subject is found by it.
CREATE INDEX audit_seal_heads_subject ON audit_seal_heads (org_id, subject_id, seq);

-- Events for the world outside, written with the change they tell of. `position` is given at publication.
CREATE TABLE outbox_events (
  org_id       text NOT NULL,
  id           text NOT NULL,
  seq          bigint GENERATED ALWAYS AS IDENTITY,
  type         text NOT NULL,
  subject      text NOT NULL,
  data         jsonb NOT NULL,
  at           timestamptz NOT NULL DEFAULT now(),
  position     bigint,
  published_at timestamptz,
  PRIMARY KEY (org_id, id)
);
CREATE INDEX outbox_pending ON outbox_events (seq) WHERE position IS NULL;
CREATE UNIQUE INDEX outbox_position ON outbox_events (org_id, position) WHERE position IS NOT NULL;
CALL arflow_guard('outbox_events', 'SELECT, INSERT');
CREATE INDEX outbox_all_positions ON outbox_events (position) WHERE position IS NOT NULL;

-- How far each reader of the outbox has come ("reactions": the processes that an event starts).
CREATE TABLE outbox_cursors (
  reader   text PRIMARY KEY,
  position bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON outbox_cursors TO arflow_app;

-- What needs a person: an owner (role or user), a reason code, times, a due time.
CREATE TABLE exceptions (
  org_id      text NOT NULL,
  id          text NOT NULL,
  kind        text NOT NULL,
  reason_code text NOT NULL,
  subject_id  text NOT NULL,
  owner_role  text,
  owner_user  text,
  legal_entity_id text,
  detail      jsonb NOT NULL DEFAULT '{}',
  status      text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'resolved')),
  created_at  timestamptz NOT NULL DEFAULT now(),
  due_at      timestamptz NOT NULL,
  resolved_at timestamptz,
  resolved_by text,
  resolution_code text,
  note        text,
  PRIMARY KEY (org_id, id),
  CHECK (owner_role IS NOT NULL OR owner_user IS NOT NULL)
);
CREATE UNIQUE INDEX exceptions_one_open ON exceptions (org_id, kind, reason_code, subject_id) WHERE status = 'open';
CREATE INDEX exceptions_list ON exceptions (org_id, status, due_at, id);
CALL arflow_guard('exceptions', 'SELECT, INSERT, UPDATE');

-- Webhooks: where an organisation wants its events sent, and what became of each delivery.
CREATE TABLE webhook_endpoints (
  org_id      text NOT NULL REFERENCES organisations,
  id          text NOT NULL,
  url         text NOT NULL,
  event_types text[] NOT NULL DEFAULT '{}',   -- empty: every type
  description text,
  secret      bytea NOT NULL,                 -- signs; shown once
  former_secret bytea,                        -- signs beside it until then: a rotation loses nothing
  former_until  timestamptz,
  status      text NOT NULL DEFAULT 'enabled' CHECK (status IN ('enabled', 'disabled', 'deleted')),
  since       bigint NOT NULL,                -- events published later than this position are sent
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (org_id, id)
);
CALL arflow_guard('webhook_endpoints', 'SELECT, INSERT, UPDATE');

-- One per event and endpoint, without a copy of the event: what is erased there is erased here.
CREATE TABLE webhook_deliveries (
  org_id          text NOT NULL,
  id              text NOT NULL,
  endpoint_id     text NOT NULL,
  event_id        text NOT NULL,
  event_type      text NOT NULL,
  subject         text NOT NULL,
  position        bigint NOT NULL,
  status          text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'DELIVERED', 'FAILED', 'CANCELLED')),
  attempts        int NOT NULL DEFAULT 0,
  replays         int NOT NULL DEFAULT 0,
  last_attempt_at timestamptz,
  next_attempt_at timestamptz,
  response_status int,
  error_code      text,
  delivered_at    timestamptz,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, endpoint_id, event_id),
  FOREIGN KEY (org_id, endpoint_id) REFERENCES webhook_endpoints,
  FOREIGN KEY (org_id, event_id) REFERENCES outbox_events ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (org_id, endpoint_id, subject, position) WHERE status = 'PENDING';
CREATE INDEX webhook_deliveries_list ON webhook_deliveries (org_id, position DESC, id);
CALL arflow_guard('webhook_deliveries', 'SELECT, INSERT, UPDATE');

GRANT SELECT ON alembic_version TO arflow_app;
