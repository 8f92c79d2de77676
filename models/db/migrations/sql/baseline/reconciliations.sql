CREATE TABLE reconciliations (
  org_id          text NOT NULL,
  id              text NOT NULL,
  bank_account_id text NOT NULL,
  through_date    date NOT NULL,
  status          text NOT NULL DEFAULT 'DRAFT' CHECK (status IN ('DRAFT', 'COMPLETED', 'REOPENED')),
  statement_balance_minor bigint,
  created_at      timestamptz NOT NULL DEFAULT now(),
  created_by      text NOT NULL,
  completed_at    timestamptz,
  completed_by    text,
  reopened_at     timestamptz,
  reopened_by     text,
  reopen_reason   text,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, bank_account_id) REFERENCES bank_accounts
);
CALL arflow_guard('reconciliations', 'SELECT, INSERT, UPDATE');

CREATE TABLE reconciliation_payments (
  org_id            text NOT NULL,
  reconciliation_id text NOT NULL,
  payment_id        text NOT NULL,
  PRIMARY KEY (org_id, reconciliation_id, payment_id),
  FOREIGN KEY (org_id, reconciliation_id) REFERENCES reconciliations,
  FOREIGN KEY (org_id, payment_id) REFERENCES payments
);
CREATE INDEX reconciliation_payments_payment ON reconciliation_payments (org_id, payment_id);
CALL arflow_guard('reconciliation_payments', 'SELECT, INSERT');
