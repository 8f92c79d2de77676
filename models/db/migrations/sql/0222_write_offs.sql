-- A balance, or a part of it, that is given up without a payment. Posted at once within somebody's authority
-- (authorised_minor, in the functional currency), else when its approval is carried out. Dates are null until it is posted.
CREATE TABLE write_offs (
  org_id              text NOT NULL,
  id                  text NOT NULL,
  invoice_id          text NOT NULL,
  customer_id         text NOT NULL,
  legal_entity_id     text NOT NULL,
  amount_minor        bigint NOT NULL CHECK (amount_minor >= 1),
  currency_code       char(3) NOT NULL,
  functional_minor    bigint NOT NULL CHECK (functional_minor >= 0),
  functional_currency char(3) NOT NULL,
  authorised_minor    bigint NOT NULL CHECK (authorised_minor >= 0),
  reason_code         text NOT NULL,
  note                text,
  status              text NOT NULL CHECK (status IN ('PENDING_APPROVAL', 'POSTED', 'REVERSED', 'REJECTED', 'WITHDRAWN', 'FAILED')),
  approval_id         text,
  body_hash           text NOT NULL,
  created_at          timestamptz NOT NULL,
  created_by          text NOT NULL,
  posted_at           timestamptz,
  effective_date      date,
  entry_date          date,
  journal_entry_id    text,
  reversed_at         timestamptz,
  reversed_date       date,
  reversed_entry_date date,
  reverse_reason      text,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  FOREIGN KEY (org_id, approval_id) REFERENCES approvals,
  CHECK ((posted_at IS NULL) = (status NOT IN ('POSTED', 'REVERSED'))),
  CHECK ((posted_at IS NULL) = (effective_date IS NULL) AND (posted_at IS NULL) = (entry_date IS NULL)
    AND (posted_at IS NULL) = (journal_entry_id IS NULL)),
  CHECK ((reversed_at IS NULL) = (status <> 'REVERSED') AND (reversed_at IS NULL) = (reversed_date IS NULL)
    AND reversed_date >= effective_date)
);
CREATE INDEX write_offs_customer ON write_offs (org_id, customer_id, id);
CREATE INDEX write_offs_effective ON write_offs (org_id, customer_id, effective_date) WHERE posted_at IS NOT NULL;
CREATE INDEX write_offs_invoice ON write_offs (org_id, invoice_id, id);
CREATE INDEX write_offs_reversed ON write_offs (org_id, customer_id, reversed_date) WHERE reversed_at IS NOT NULL;
CREATE INDEX write_offs_id ON write_offs (id);
CALL arflow_guard('write_offs', 'SELECT, INSERT, UPDATE');
INSERT INTO record_kinds (prefix, table_name, of_the_books) VALUES ('wo', 'write_offs', true);
