-- Customers (the master record), invoices, payments, applications, credits, the ledger, the bank.

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
  PRIMARY KEY (org_id, statement_id, line),
  FOREIGN KEY (org_id, statement_id) REFERENCES statements
);
CALL arflow_guard('statement_lines', 'SELECT, INSERT, UPDATE');

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
CREATE INDEX payment_applications_customer ON payment_applications (org_id, customer_id);
CREATE INDEX payment_applications_session ON payment_applications (org_id, session_id);
CALL arflow_guard('payment_applications', 'SELECT, INSERT, UPDATE');

-- The ledger. Entries and lines are never changed; lines come only with their entry, in its transaction.
CREATE TABLE journal_entries (
  org_id              text NOT NULL REFERENCES organisations,
  id                  text NOT NULL,
  number              bigint GENERATED ALWAYS AS IDENTITY,
  entry_date          date NOT NULL,
  kind                text NOT NULL,
  source_id           text NOT NULL,
  legal_entity_id     text NOT NULL,
  functional_currency char(3) NOT NULL,
  digest              text NOT NULL,
  txid                xid8 NOT NULL DEFAULT pg_current_xact_id(),
  created_at          timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities
);
CREATE INDEX journal_entries_source ON journal_entries (org_id, source_id);
CREATE INDEX journal_entries_date ON journal_entries (org_id, entry_date);
CALL arflow_guard('journal_entries', 'SELECT, INSERT');
CALL arflow_append_only('journal_entries');

CREATE TABLE journal_lines (
  org_id                  text NOT NULL,
  entry_id                text NOT NULL,
  line_no                 int NOT NULL,
  account                 text NOT NULL,
  debit_minor             bigint NOT NULL CHECK (debit_minor >= 0),
  credit_minor            bigint NOT NULL CHECK (credit_minor >= 0),
  currency_code           char(3) NOT NULL,
  functional_debit_minor  bigint NOT NULL CHECK (functional_debit_minor >= 0),
  functional_credit_minor bigint NOT NULL CHECK (functional_credit_minor >= 0),
  customer_id             text,
  invoice_id              text,
  bank_account_id         text,
  PRIMARY KEY (org_id, entry_id, line_no),
  FOREIGN KEY (org_id, entry_id) REFERENCES journal_entries,
  FOREIGN KEY (org_id, account) REFERENCES accounts,
  CHECK (debit_minor = 0 OR credit_minor = 0),
  CHECK (functional_debit_minor = 0 OR functional_credit_minor = 0)
);
CREATE INDEX journal_lines_account ON journal_lines (org_id, account);
CALL arflow_guard('journal_lines', 'SELECT, INSERT');
CALL arflow_append_only('journal_lines');

CREATE FUNCTION journal_entry_balances() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_lines bigint; v_diff numeric;
BEGIN
  SELECT count(*), coalesce(sum(functional_debit_minor::numeric - functional_credit_minor), 0) INTO v_lines, v_diff
    FROM journal_lines WHERE org_id = NEW.org_id AND entry_id = NEW.id;
  IF v_lines < 2 OR v_diff <> 0 THEN
    RAISE EXCEPTION 'journal entry % does not balance (% lines, difference %)', NEW.id, v_lines, v_diff USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON journal_entries DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION journal_entry_balances();

CREATE FUNCTION journal_lines_with_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT org_id, entry_id FROM fresh) f
              LEFT JOIN journal_entries e ON e.org_id = f.org_id AND e.id = f.entry_id
              WHERE e.txid IS DISTINCT FROM pg_current_xact_id()) THEN
    RAISE EXCEPTION 'lines are added only in the transaction that made their entry' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER with_entry AFTER INSERT ON journal_lines REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION journal_lines_with_entry();

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

-- One remittance confirmation per application session, sent by a durable process of its own.
CREATE TABLE remittance_confirmations (
  org_id     text NOT NULL,
  session_id text NOT NULL,
  message_id text NOT NULL,
  status     text NOT NULL CHECK (status IN ('SENT', 'NO_ADDRESS')),
  at         timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (org_id, session_id),
  FOREIGN KEY (org_id, session_id) REFERENCES application_sessions
);
CALL arflow_guard('remittance_confirmations', 'SELECT, INSERT');

-- After a miss: does this id exist in another organisation? Nothing else is answered.
CREATE FUNCTION id_in_other_org(p_id text) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE v_table text; v_found boolean;
BEGIN
  v_table := CASE split_part(p_id, '_', 1)
    WHEN 'cust' THEN 'customers' WHEN 'invoice' THEN 'invoices' WHEN 'pay' THEN 'payments' WHEN 'papp' THEN 'payment_applications'
    WHEN 'cred' THEN 'customer_credits' WHEN 'je' THEN 'journal_entries' WHEN 'recon' THEN 'reconciliations' WHEN 'stmt' THEN 'statements'
    WHEN 'exc' THEN 'exceptions' WHEN 'chg' THEN 'customer_changes' WHEN 'imp' THEN 'customer_imports' WHEN 'act' THEN 'activities'
    WHEN 'opp' THEN 'opportunities' WHEN 'quote' THEN 'quotes' WHEN 'order' THEN 'orders' WHEN 'case' THEN 'cases'
    WHEN 'contract' THEN 'contracts' WHEN 'cont' THEN 'customer_contacts' END;
  IF v_table IS NULL OR to_regclass(v_table) IS NULL THEN RETURN false; END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE id = $1 AND org_id <> current_setting(''arflow.org_id'', true))', v_table)
    INTO v_found USING p_id;
  RETURN v_found;
END $$;
REVOKE ALL ON FUNCTION id_in_other_org(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION id_in_other_org(text) TO arflow_app;
CREATE INDEX customers_id ON customers (id);
CREATE INDEX invoices_id ON invoices (id);
CREATE INDEX payments_id ON payments (id);
