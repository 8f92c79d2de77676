CREATE TABLE invoices (
  org_id             text NOT NULL,
  id                 text NOT NULL,
  customer_id        text NOT NULL,
  legal_entity_id    text NOT NULL,
  external_id        text NOT NULL,
  reference_key      text COLLATE "C" NOT NULL,
  issue_date         date NOT NULL,
  due_date           date NOT NULL,
  payment_terms      text,
  currency_code      char(3) NOT NULL,
  total_minor        bigint NOT NULL CHECK (total_minor >= 1),
  tax_minor          bigint NOT NULL DEFAULT 0 CHECK (tax_minor BETWEEN 0 AND total_minor),
  balance_due_minor  bigint NOT NULL CHECK (balance_due_minor BETWEEN 0 AND total_minor),
  fx_rate            numeric NOT NULL,
  functional_currency char(3) NOT NULL,
  functional_total_minor bigint NOT NULL,
  functional_balance_minor bigint NOT NULL CHECK (functional_balance_minor >= 0),
  lines              jsonb NOT NULL DEFAULT '[]',
  disputed_at        timestamptz,
  dispute_reason     text,
  voided_at          timestamptz,
  void_date          date,
  void_reason        text,
  version            bigint NOT NULL DEFAULT 1,
  created_at         timestamptz NOT NULL DEFAULT now(),
  status             text GENERATED ALWAYS AS (CASE WHEN voided_at IS NOT NULL THEN 'VOID' WHEN balance_due_minor = 0 THEN 'PAID'
                       WHEN balance_due_minor < total_minor THEN 'PARTIALLY_PAID' ELSE 'OPEN' END) STORED,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  CHECK (due_date >= issue_date)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX invoices_external ON invoices (org_id, external_id);
CREATE INDEX invoices_reference ON invoices (org_id, reference_key);
CREATE INDEX invoices_customer ON invoices (org_id, customer_id, due_date, issue_date, id);
CREATE INDEX invoices_open ON invoices (org_id, customer_id, due_date, issue_date, id) WHERE balance_due_minor > 0 AND voided_at IS NULL;
CALL arflow_guard('invoices', 'SELECT, INSERT, UPDATE');
CREATE INDEX invoices_id ON invoices (id);
CREATE INDEX invoices_open_amount ON invoices (org_id, balance_due_minor, due_date, id) WHERE balance_due_minor > 0 AND voided_at IS NULL;
CREATE INDEX invoices_voided ON invoices (org_id, customer_id, void_date) WHERE voided_at IS NOT NULL;

CREATE TABLE payments (
  org_id             text NOT NULL,
  id                 text NOT NULL,
  external_id        text NOT NULL,
  customer_id        text,
  legal_entity_id    text NOT NULL,
  bank_account_id    text NOT NULL,
  payment_date       date NOT NULL,
  amount_minor       bigint NOT NULL CHECK (amount_minor >= 1),
  currency_code      char(3) NOT NULL,
  invoice_currency_code char(3),
  currencies_differ  boolean NOT NULL DEFAULT false,
  applied_minor      bigint NOT NULL DEFAULT 0,
  credit_held_minor  bigint NOT NULL DEFAULT 0,
  fx_rate            numeric NOT NULL,
  functional_currency char(3) NOT NULL,
  functional_amount_minor bigint NOT NULL,
  functional_available_minor bigint NOT NULL,
  overpayment        text CHECK (overpayment IN ('customer_credit', 'unapplied')),
  posted             boolean NOT NULL DEFAULT false,
  method             text,
  reference          text,
  remittance_text    text,
  payer              text,
  body               jsonb NOT NULL DEFAULT '{}',
  statement_id       text,
  statement_line     int,
  reversed_at        timestamptz,
  reversal_date      date,
  reversal_reason    text,
  reversal_note      text,
  version            bigint NOT NULL DEFAULT 1,
  created_at         timestamptz NOT NULL DEFAULT now(),
  status             text GENERATED ALWAYS AS (CASE WHEN reversed_at IS NOT NULL THEN 'REVERSED' WHEN applied_minor = 0 THEN 'UNAPPLIED'
                       WHEN applied_minor < amount_minor THEN 'PARTIALLY_APPLIED' ELSE 'FULLY_APPLIED' END) STORED,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  FOREIGN KEY (org_id, bank_account_id) REFERENCES bank_accounts,
  CHECK (applied_minor >= 0 AND credit_held_minor >= 0 AND applied_minor + credit_held_minor <= amount_minor)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payments_external ON payments (org_id, external_id);
CREATE INDEX payments_customer ON payments (org_id, customer_id, id);
CREATE INDEX payments_status ON payments (org_id, status, id);
CREATE INDEX payments_unposted ON payments (org_id, payment_date) WHERE NOT posted AND reversed_at IS NULL;
CREATE INDEX payments_statement ON payments (org_id, statement_id, statement_line) WHERE statement_id IS NOT NULL;
CALL arflow_guard('payments', 'SELECT, INSERT, UPDATE');
CREATE INDEX payments_id ON payments (id);
CREATE INDEX payments_funds ON payments (org_id, customer_id, status) WHERE status <> 'FULLY_APPLIED';

-- Money a customer may still spend: `customer_credit` holds it apart, `unapplied_cash` names what stays on the payment.
CREATE TABLE customer_credits (
  org_id       text NOT NULL,
  id           text NOT NULL,
  payment_id   text NOT NULL,
  customer_id  text NOT NULL,
  legal_entity_id text NOT NULL,
  kind         text NOT NULL CHECK (kind IN ('customer_credit', 'unapplied_cash')),
  amount_minor bigint NOT NULL CHECK (amount_minor >= 1),
  remaining_minor bigint NOT NULL,
  currency_code char(3) NOT NULL,
  functional_remaining_minor bigint NOT NULL CHECK (functional_remaining_minor >= 0),
  withdrawn_at timestamptz,
  withdrawn_date date,
  created_at   timestamptz NOT NULL DEFAULT now(),
  status       text GENERATED ALWAYS AS (CASE WHEN withdrawn_at IS NOT NULL THEN 'WITHDRAWN' WHEN remaining_minor = 0 THEN 'USED' ELSE 'OPEN' END) STORED,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, payment_id) REFERENCES payments,
  CHECK (remaining_minor BETWEEN 0 AND amount_minor)
);
CREATE INDEX customer_credits_customer ON customer_credits (org_id, customer_id, id);
CREATE INDEX customer_credits_payment ON customer_credits (org_id, payment_id);
CALL arflow_guard('customer_credits', 'SELECT, INSERT, UPDATE');

CREATE TABLE application_sessions (
  org_id      text NOT NULL,
  id          text NOT NULL,
  payment_id  text NOT NULL,
  seq         int NOT NULL,
  credit_used text,
  credit_id   text,
  external_id text,
  body_hash   text NOT NULL,
  body        jsonb NOT NULL,
  command_id  text NOT NULL,
  journal_entry_id text,
  undone      boolean NOT NULL DEFAULT false,
  created_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  UNIQUE (org_id, payment_id, seq),
  FOREIGN KEY (org_id, payment_id) REFERENCES payments
);
CREATE UNIQUE INDEX application_sessions_external ON application_sessions (org_id, payment_id, external_id) WHERE external_id IS NOT NULL;
CALL arflow_guard('application_sessions', 'SELECT, INSERT, UPDATE');

-- effective_date: max(payment date, issue date), what aging goes by; undone_date: until when it counted.
CREATE TABLE payment_applications (
  org_id                text NOT NULL,
  id                    text NOT NULL,
  session_id            text NOT NULL,
  payment_id            text NOT NULL,
  invoice_id            text NOT NULL,
  customer_id           text NOT NULL,
  credit_id             text,
  applied_minor         bigint NOT NULL CHECK (applied_minor >= 1),
  currency_code         char(3) NOT NULL,
  invoice_applied_minor bigint NOT NULL CHECK (invoice_applied_minor >= 1),
  invoice_currency_code char(3) NOT NULL,
  fx_rate               numeric NOT NULL,
  functional_cash_minor bigint NOT NULL,
  functional_relief_minor bigint NOT NULL,
  effective_date        date NOT NULL,
  entry_date            date NOT NULL,
  created_at            timestamptz NOT NULL DEFAULT now(),
  unapplied_at          timestamptz,
  undone_date           date,
  undone_entry_date     date,
  unapply_reason        text,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, session_id) REFERENCES application_sessions,
  FOREIGN KEY (org_id, payment_id) REFERENCES payments,
  FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
  CHECK ((unapplied_at IS NULL) = (undone_date IS NULL))
);
CREATE INDEX payment_applications_payment ON payment_applications (org_id, payment_id, id);
CREATE INDEX payment_applications_invoice ON payment_applications (org_id, invoice_id);
CREATE INDEX payment_applications_session ON payment_applications (org_id, session_id);
CALL arflow_guard('payment_applications', 'SELECT, INSERT, UPDATE');
-- Indexes of the reads: aging on a day rolls back what moved after it, so it must find that without the history.

CREATE INDEX payment_applications_effective ON payment_applications (org_id, customer_id, effective_date);
CREATE INDEX payment_applications_undone ON payment_applications (org_id, customer_id, undone_date) WHERE unapplied_at IS NOT NULL;

-- One remittance confirmation per application session, sent by a durable process of its own.
CREATE TABLE remittance_confirmations (
  org_id     text NOT NULL,
  session_id text NOT NULL,
  message_id text NOT NULL,
  status     text NOT NULL CHECK (status IN ('SENT', 'NO_ADDRESS', 'SWITCHED_OFF')),
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, session_id),
  FOREIGN KEY (org_id, session_id) REFERENCES application_sessions
);
CALL arflow_guard('remittance_confirmations', 'SELECT, INSERT');
