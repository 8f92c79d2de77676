-- What is asked for and is nobody's to decide alone, but for changes of customers and imports, which are their own approvals.
-- The `awaiting_*` columns mirror the pending step: the inbox reads them. `authority`: the limits that its
-- round began with; `request`: what is to be carried out, where no record of its own says it.
CREATE TABLE approvals (
  org_id          text NOT NULL REFERENCES organisations,
  id              text NOT NULL,
  kind            text NOT NULL,
  subject_id      text NOT NULL,
  customer_id     text,
  legal_entity_id text,
  summary         text NOT NULL,
  href            text NOT NULL,
  amount_minor    bigint,
  currency_code   char(3),
  reason_code     text,
  authority       jsonb,
  request         jsonb,
  status          text NOT NULL CHECK (status IN ('PENDING_APPROVAL', 'APPROVED', 'REJECTED', 'WITHDRAWN', 'FAILED')),
  round           int NOT NULL DEFAULT 1,
  returned        boolean NOT NULL DEFAULT false,
  submitted_by    text NOT NULL,
  submitted_at    timestamptz NOT NULL,
  command_id      text NOT NULL,
  workflow_id     text NOT NULL,
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
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  CHECK ((awaiting_role IS NULL) = (awaiting_step IS NULL)),
  CHECK ((amount_minor IS NULL) = (currency_code IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX approvals_inbox ON approvals (org_id, awaiting_role, id) INCLUDE (submitted_by) WHERE awaiting_role IS NOT NULL;
CREATE INDEX approvals_status ON approvals (org_id, status, id);
CREATE INDEX approvals_id ON approvals (id);
-- Of one record at most one approval is open.
CREATE UNIQUE INDEX approvals_subject ON approvals (org_id, subject_id) WHERE status IN ('PENDING_APPROVAL', 'FAILED');
CALL arflow_guard('approvals', 'SELECT, INSERT, UPDATE');
INSERT INTO record_kinds (prefix, table_name, of_the_books) VALUES ('apr', 'approvals', true);

CREATE TABLE approval_steps (
  org_id          text NOT NULL,
  approval_id     text NOT NULL,
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
  PRIMARY KEY (org_id, approval_id, round, step),
  FOREIGN KEY (org_id, approval_id) REFERENCES approvals,
  CHECK (status NOT IN ('APPROVED', 'REJECTED') OR decided_by IS NOT NULL)
);
CALL arflow_guard('approval_steps', 'SELECT, INSERT, UPDATE');
-- The database's own word on segregation: one person decides at most one step of a round.
CREATE UNIQUE INDEX approval_steps_distinct ON approval_steps (org_id, approval_id, round, decided_by)
  WHERE decided_by IS NOT NULL;

CREATE TABLE approval_decisions (
  org_id       text NOT NULL,
  id           text NOT NULL,
  approval_id  text NOT NULL,
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
  FOREIGN KEY (org_id, approval_id) REFERENCES approvals
);
CREATE INDEX approval_decisions_approval ON approval_decisions (org_id, approval_id, id);
CALL arflow_guard('approval_decisions', 'SELECT, INSERT');
