-- Records of the books outlive their customer: which tables hold such is a matter of rows, so that a further one writes no
-- function anew.
ALTER TABLE record_kinds ADD COLUMN of_the_books boolean NOT NULL DEFAULT false;
UPDATE record_kinds SET of_the_books = true
  WHERE table_name IN ('invoices', 'payments', 'payment_applications', 'customer_credits');

-- What an application settled without money. tax_minor: what of it comes off the tax payable; authorised_minor: what of it, in
-- the functional currency, was given on the authority of created_by.
CREATE TABLE adjustments (
  org_id               text NOT NULL,
  id                   text NOT NULL,
  application_id       text NOT NULL,
  session_id           text NOT NULL,
  payment_id           text NOT NULL,
  invoice_id           text NOT NULL,
  customer_id          text NOT NULL,
  legal_entity_id      text NOT NULL,
  kind                 text NOT NULL CHECK (kind IN ('discount', 'write_off', 'bank_fee', 'tax_withheld')),
  amount_minor         bigint NOT NULL CHECK (amount_minor >= 1),
  tax_minor            bigint NOT NULL,
  currency_code        char(3) NOT NULL,
  functional_minor     bigint NOT NULL CHECK (functional_minor >= 0),
  functional_tax_minor bigint NOT NULL,
  functional_currency  char(3) NOT NULL,
  authorised_minor     bigint NOT NULL CHECK (authorised_minor >= 0),
  reason_code          text NOT NULL,
  note                 text,
  effective_date       date NOT NULL,
  entry_date           date NOT NULL,
  created_at           timestamptz NOT NULL DEFAULT now(),
  created_by           text NOT NULL,
  undone_at            timestamptz,
  undone_date          date,
  undone_entry_date    date,
  undo_reason          text,
  status               text GENERATED ALWAYS AS (CASE WHEN undone_at IS NULL THEN 'POSTED' ELSE 'UNDONE' END) STORED,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, application_id) REFERENCES payment_applications,
  FOREIGN KEY (org_id, session_id) REFERENCES application_sessions,
  FOREIGN KEY (org_id, payment_id) REFERENCES payments,
  FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
  CHECK (tax_minor BETWEEN 0 AND amount_minor),
  CHECK (functional_tax_minor BETWEEN 0 AND functional_minor),
  CHECK ((undone_at IS NULL) = (undone_date IS NULL))
);
CREATE INDEX adjustments_application ON adjustments (org_id, application_id);
CREATE INDEX adjustments_effective ON adjustments (org_id, customer_id, effective_date);
CREATE INDEX adjustments_invoice ON adjustments (org_id, invoice_id);
CREATE INDEX adjustments_payment ON adjustments (org_id, payment_id, id);
CREATE INDEX adjustments_undone ON adjustments (org_id, customer_id, undone_date) WHERE undone_at IS NOT NULL;
CALL arflow_guard('adjustments', 'SELECT, INSERT, UPDATE');
INSERT INTO record_kinds (prefix, table_name, of_the_books) VALUES ('adj', 'adjustments', true);

-- Every organisation has the accounts. Where one has given the number away, the account is numbered by its key.
INSERT INTO accounts (org_id, key, code, name, kind)
  SELECT o.org_id, n.key, CASE WHEN EXISTS (SELECT FROM accounts a WHERE a.org_id = o.org_id AND a.code = n.code) THEN n.key ELSE n.code END,
         n.name, n.kind
    FROM organisations o CROSS JOIN (VALUES
      ('tax_withheld', '1190', 'Tax withheld by customers, to be set off', 'asset'),
      ('sales_discounts', '4980', 'Early-payment discounts granted', 'revenue'),
      ('bank_fees', '7190', 'Fees that banks took out of receipts', 'expense')) n (key, code, name, kind)
  ON CONFLICT (org_id, key) DO NOTHING;

-- What terms grant to whoever pays early; an invoice keeps what its terms granted when it was issued.
ALTER TABLE payment_terms ADD COLUMN discount_percent numeric, ADD COLUMN discount_days int,
  ADD CONSTRAINT payment_terms_discount CHECK ((discount_percent IS NULL) = (discount_days IS NULL)
    AND discount_percent > 0 AND discount_percent < 100 AND discount_days >= 0) NOT VALID;
ALTER TABLE invoices ADD COLUMN discount_percent numeric, ADD COLUMN discount_days int;

-- Whether a discount takes its share of the tax off what is payable.
ALTER TABLE legal_entities ADD COLUMN discount_tax text NOT NULL DEFAULT 'adjust' CHECK (discount_tax IN ('adjust', 'keep'));
UPDATE legal_entities SET discount_tax = 'keep' WHERE functional_currency = 'USD';

-- What each role may give away, a row per version; none: as shipped.
CREATE TABLE authority_limits (
  org_id      text NOT NULL REFERENCES organisations,
  version     bigint NOT NULL CHECK (version >= 1),
  limits      jsonb NOT NULL,
  approval_id text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  created_by  text NOT NULL,
  PRIMARY KEY (org_id, version)
);
CALL arflow_guard('authority_limits', 'SELECT, INSERT');
CALL arflow_append_only('authority_limits');
