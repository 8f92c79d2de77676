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
-- A customer that waits for its approval is its organisation's already: another one's token is told so (403), as with
-- every other record. Only open creates count; what was rejected or withdrawn never existed.
CREATE INDEX customer_changes_pending_create ON customer_changes (customer_id)
  WHERE operation = 'create' AND status IN ('PENDING_APPROVAL', 'FAILED');

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

-- Every decision of every round, as it was made; channels beside the API are a Temporal signal or update with a token.
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
  channel      text NOT NULL CHECK (channel IN ('api', 'signal', 'update')),
  decided_at   timestamptz NOT NULL,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, change_id) REFERENCES customer_changes
);
CREATE INDEX customer_change_decisions_change ON customer_change_decisions (org_id, change_id, id);
CALL arflow_guard('customer_change_decisions', 'SELECT, INSERT');

-- E-mails, tax ids and external ids that open changes have asked for: they count as taken until the change ends.
CREATE TABLE customer_claims (
  org_id      text NOT NULL,
  kind        text NOT NULL CHECK (kind IN ('email', 'tax_id', 'external_id')),
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
