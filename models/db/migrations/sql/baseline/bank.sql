-- iban, account_number, bic: how banks name an account in their files; by these, a statement is known to be its own.
CREATE TABLE bank_accounts (
  org_id          text NOT NULL,
  id              text NOT NULL,
  legal_entity_id text NOT NULL,
  currency_code   char(3) NOT NULL,
  name            text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  iban            text CHECK (iban = upper(iban)),
  account_number  text,
  bic             text CHECK (bic = upper(bic)),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
);
CALL arflow_guard('bank_accounts', 'SELECT, INSERT, UPDATE');

CREATE TABLE statements (
  org_id          text NOT NULL,
  id              text NOT NULL,
  bank_account_id text NOT NULL,
  file_hash       text NOT NULL,
  file_name       text,
  content         bytea,
  status          text NOT NULL DEFAULT 'PROCESSING' CHECK (status IN ('PROCESSING', 'COMPLETED', 'FAILED')),
  failure         jsonb,
  format          text,
  opening_minor   bigint,
  closing_minor   bigint,
  lines_total     int NOT NULL DEFAULT 0,
  lines_done      int NOT NULL DEFAULT 0,
  warnings        jsonb NOT NULL DEFAULT '[]',
  created_at      timestamptz NOT NULL DEFAULT now(),
  created_by      text NOT NULL,
  completed_at    timestamptz,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, bank_account_id) REFERENCES bank_accounts
);
CREATE UNIQUE INDEX statements_file ON statements (org_id, bank_account_id, file_hash) WHERE status <> 'FAILED';
CALL arflow_guard('statements', 'SELECT, INSERT, UPDATE');

-- texts: everything that a bank says about a line is kept with it and shown, and what may be cut or chopped is known to the
-- matching rule. external_id_before: a line whose text is read better than before is still known by its older identity.
CREATE TABLE statement_lines (
  org_id       text NOT NULL,
  statement_id text NOT NULL,
  line         int NOT NULL,
  booking_date date NOT NULL,
  amount_minor bigint NOT NULL,
  currency_code char(3) NOT NULL,
  payer        text,
  reference    text,
  remittance_text text,
  structured_references jsonb NOT NULL DEFAULT '[]',
  external_id  text NOT NULL,
  status       text NOT NULL DEFAULT 'PENDING',
  reason_code  text,
  payment_id   text,
  suggestions  jsonb NOT NULL DEFAULT '[]',
  value_date   date,
  bank_ref     text,
  texts        jsonb NOT NULL DEFAULT '[]',
  external_id_before text,
  PRIMARY KEY (org_id, statement_id, line),
  FOREIGN KEY (org_id, statement_id) REFERENCES statements
);
CALL arflow_guard('statement_lines', 'SELECT, INSERT, UPDATE');
CREATE INDEX statement_lines_pending ON statement_lines (org_id, statement_id, line) WHERE status = 'PENDING';
