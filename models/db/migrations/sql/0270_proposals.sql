-- What an assistant proposes: an operation with its effect as it was shown, carried out once by the hand of a person.
CREATE TABLE proposals (
  org_id               text NOT NULL REFERENCES organisations,
  id                   text NOT NULL,
  operation            text NOT NULL,
  record_id            text NOT NULL,
  body                 jsonb NOT NULL,
  effect               jsonb NOT NULL,
  effect_hash          text NOT NULL CHECK (effect_hash ~ '^[0-9a-f]{64}$'),
  warnings             jsonb NOT NULL DEFAULT '[]',
  confirmation         text NOT NULL CHECK (confirmation IN ('elicitation', 'page')),
  customer_id          text,                 -- erased with the customer
  actor                text NOT NULL,
  agent                text,
  client               text,
  writes_per_hour      int CHECK (writes_per_hour >= 0),
  amount_minor_per_day bigint CHECK (amount_minor_per_day >= 0),
  amount_minor         bigint NOT NULL CHECK (amount_minor >= 0),
  status               text NOT NULL DEFAULT 'OPEN' CHECK (status IN ('OPEN', 'COMMITTED', 'DECLINED', 'STALE')),
  made_at              timestamptz NOT NULL,
  expires_at           timestamptz NOT NULL CHECK (expires_at > made_at),
  ended_at             timestamptz,
  confirmed_by         text CHECK (confirmed_by IN ('elicitation', 'page')),
  command_id           text,
  successor_id         text,
  PRIMARY KEY (org_id, id),
  CHECK ((status = 'OPEN') = (ended_at IS NULL)),
  CHECK ((status = 'COMMITTED') = (command_id IS NOT NULL)),
  CHECK (status <> 'COMMITTED' OR confirmed_by IS NOT NULL),
  CHECK (confirmation = 'elicitation' OR confirmed_by IS DISTINCT FROM 'elicitation')
);
CREATE UNIQUE INDEX proposals_command ON proposals (org_id, command_id) WHERE command_id IS NOT NULL;
CREATE INDEX proposals_spent ON proposals (org_id, actor, agent, ended_at) WHERE status = 'COMMITTED';
CREATE INDEX proposals_customer ON proposals (org_id, customer_id) WHERE customer_id IS NOT NULL;
-- What was shown stays what was shown: only how it ended is written later, and that once.
CALL arflow_guard('proposals', 'SELECT, INSERT, UPDATE (status, ended_at, confirmed_by, command_id, successor_id)');
CREATE TRIGGER ended BEFORE UPDATE ON proposals FOR EACH ROW WHEN (OLD.status <> 'OPEN') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON proposals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
INSERT INTO record_kinds (prefix, table_name) VALUES ('prop', 'proposals');
