-- Documents of ours that take back an invoice or a part of it. posted_at: null until it is approved; authorised_minor: what of
-- it, in the functional currency, was given on the authority of created_by alone.
CREATE TABLE credit_notes (
  org_id             text NOT NULL,
  id                 text NOT NULL,
  customer_id        text NOT NULL,
  legal_entity_id    text NOT NULL,
  external_id        text NOT NULL,
  invoice_id         text,
  issue_date         date NOT NULL,
  currency_code      char(3) NOT NULL,
  total_minor        bigint NOT NULL CHECK (total_minor >= 1),
  tax_minor          bigint NOT NULL CHECK (tax_minor BETWEEN 0 AND total_minor),
  balance_minor      bigint NOT NULL CHECK (balance_minor BETWEEN 0 AND total_minor),
  fx_rate            numeric NOT NULL,
  functional_currency char(3) NOT NULL,
  functional_total_minor bigint NOT NULL CHECK (functional_total_minor >= 0),
  functional_balance_minor bigint NOT NULL CHECK (functional_balance_minor BETWEEN 0 AND functional_total_minor),
  functional_tax_minor bigint NOT NULL CHECK (functional_tax_minor BETWEEN 0 AND functional_total_minor),
  authorised_minor   bigint NOT NULL CHECK (authorised_minor >= 0),
  revenue_account    text NOT NULL,
  reason_code        text NOT NULL,
  note               text,
  tax_given          boolean NOT NULL,
  approval_id        text,
  version            bigint NOT NULL DEFAULT 1,
  created_at         timestamptz NOT NULL DEFAULT now(),
  created_by         text NOT NULL,
  posted_at          timestamptz,
  rejected_at        timestamptz,
  voided_at          timestamptz,
  void_date          date,
  void_reason        text,
  status             text GENERATED ALWAYS AS (CASE WHEN voided_at IS NOT NULL THEN 'VOID' WHEN rejected_at IS NOT NULL THEN 'REJECTED'
                       WHEN posted_at IS NULL THEN 'PENDING_APPROVAL' WHEN balance_minor = 0 THEN 'APPLIED'
                       WHEN balance_minor < total_minor THEN 'PARTIALLY_APPLIED' ELSE 'OPEN' END) STORED,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
  FOREIGN KEY (org_id, revenue_account) REFERENCES accounts,
  CHECK (balance_minor > 0 OR functional_balance_minor = 0),
  CHECK (voided_at IS NULL OR (void_date IS NOT NULL AND posted_at IS NOT NULL AND balance_minor = 0)),
  CHECK (rejected_at IS NULL OR (posted_at IS NULL AND balance_minor = 0)),
  CHECK (posted_at IS NOT NULL OR rejected_at IS NOT NULL OR balance_minor = total_minor)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX credit_notes_external ON credit_notes (org_id, external_id);
CREATE INDEX credit_notes_customer ON credit_notes (org_id, customer_id, id);
CREATE INDEX credit_notes_invoice ON credit_notes (org_id, invoice_id) WHERE invoice_id IS NOT NULL;
CREATE INDEX credit_notes_open ON credit_notes (org_id, customer_id) WHERE balance_minor > 0;
CALL arflow_guard('credit_notes', 'SELECT, INSERT, UPDATE');

-- What of a note settled one invoice: alone (payment_id null; command_id holds the lines of one request together), or in a
-- payment's session. exchange: functional_relief_minor less functional_credit_minor, in journal_entry_id.
CREATE TABLE credit_note_applications (
  org_id             text NOT NULL,
  id                 text NOT NULL,
  credit_note_id     text NOT NULL,
  invoice_id         text NOT NULL,
  customer_id        text NOT NULL,
  legal_entity_id    text NOT NULL,
  payment_id         text,
  session_id         text,
  external_id        text,
  command_id         text NOT NULL,
  line_no            int NOT NULL,
  applied_minor      bigint NOT NULL CHECK (applied_minor >= 1),
  currency_code      char(3) NOT NULL,
  functional_credit_minor bigint NOT NULL CHECK (functional_credit_minor >= 0),
  functional_relief_minor bigint NOT NULL CHECK (functional_relief_minor >= 0),
  functional_currency char(3) NOT NULL,
  journal_entry_id   text,
  effective_date     date NOT NULL,
  entry_date         date NOT NULL,
  created_at         timestamptz NOT NULL DEFAULT now(),
  created_by         text NOT NULL,
  undone_at          timestamptz,
  undone_date        date,
  undone_entry_date  date,
  undo_reason        text,
  status             text GENERATED ALWAYS AS (CASE WHEN undone_at IS NULL THEN 'POSTED' ELSE 'UNDONE' END) STORED,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, credit_note_id) REFERENCES credit_notes,
  FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
  FOREIGN KEY (org_id, payment_id) REFERENCES payments,
  FOREIGN KEY (org_id, session_id) REFERENCES application_sessions,
  CHECK ((payment_id IS NULL) = (session_id IS NULL)),
  CHECK ((undone_at IS NULL) = (undone_date IS NULL)),
  CHECK (undone_date >= effective_date)
);
CREATE INDEX credit_note_applications_effective ON credit_note_applications (org_id, customer_id, effective_date);
CREATE UNIQUE INDEX credit_note_applications_external ON credit_note_applications (org_id, credit_note_id, external_id, line_no)
  WHERE external_id IS NOT NULL;
CREATE INDEX credit_note_applications_invoice ON credit_note_applications (org_id, invoice_id);
CREATE INDEX credit_note_applications_note ON credit_note_applications (org_id, credit_note_id, id);
CREATE INDEX credit_note_applications_payment ON credit_note_applications (org_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX credit_note_applications_undone ON credit_note_applications (org_id, customer_id, undone_date) WHERE undone_at IS NOT NULL;
CALL arflow_guard('credit_note_applications', 'SELECT, INSERT, UPDATE');

INSERT INTO record_kinds (prefix, table_name, of_the_books)
  VALUES ('cn', 'credit_notes', true), ('cnapp', 'credit_note_applications', true);
