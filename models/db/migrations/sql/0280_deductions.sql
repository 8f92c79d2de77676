-- What a payer left out of a payment, with his reason. It stays due; invoices.deducted_minor is the sum of its open ones, and
-- what of that is still disputed is never more than the balance. asked_*: accepting it waits for approval_id.
CREATE TABLE deductions (
  org_id             text NOT NULL,
  id                 text NOT NULL,
  invoice_id         text NOT NULL,
  customer_id        text NOT NULL,
  legal_entity_id    text NOT NULL,
  payment_id         text,
  session_id         text,
  amount_minor       bigint NOT NULL CHECK (amount_minor >= 1),
  currency_code      char(3) NOT NULL,
  reason_code        text NOT NULL,
  customer_reason    text,
  note               text,
  status             text NOT NULL CHECK (status IN ('OPEN', 'ACCEPTED', 'REJECTED', 'WITHDRAWN')),
  owner_role         text,
  owner_user         text,
  body_hash          text,
  remind_at          timestamptz NOT NULL,
  reminded_at        timestamptz,
  due_at             timestamptz NOT NULL,
  escalations        int NOT NULL DEFAULT 0 CHECK (escalations >= 0),
  approval_id        text,
  asked_at           timestamptz,
  asked_by           text,
  asked_reason       text,
  asked_note         text,
  credit_note_id     text,
  accepted_minor     bigint CHECK (accepted_minor BETWEEN 1 AND amount_minor),
  created_at         timestamptz NOT NULL,
  created_by         text NOT NULL,
  ended_at           timestamptz,
  ended_by           text,
  end_reason         text,
  end_note           text,
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, invoice_id) REFERENCES invoices,
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, legal_entity_id) REFERENCES legal_entities,
  FOREIGN KEY (org_id, payment_id) REFERENCES payments,
  FOREIGN KEY (org_id, session_id) REFERENCES application_sessions,
  FOREIGN KEY (org_id, approval_id) REFERENCES approvals,
  FOREIGN KEY (org_id, credit_note_id) REFERENCES credit_notes,
  CHECK ((payment_id IS NULL) = (session_id IS NULL)),
  CHECK ((owner_role IS NULL) <> (owner_user IS NULL)),
  CHECK ((status = 'OPEN') = (ended_at IS NULL)),
  CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (end_reason IS NULL)),
  CHECK ((status = 'ACCEPTED') = (credit_note_id IS NOT NULL) AND (credit_note_id IS NULL) = (accepted_minor IS NULL)),
  CHECK ((asked_at IS NULL) = (asked_by IS NULL) AND (asked_at IS NULL) = (asked_reason IS NULL)),
  CHECK (asked_at IS NULL OR (status = 'OPEN' AND approval_id IS NOT NULL))
);
CREATE INDEX deductions_customer ON deductions (org_id, customer_id, id);
CREATE INDEX deductions_id ON deductions (id);
CREATE INDEX deductions_invoice ON deductions (org_id, invoice_id, id);
CREATE INDEX deductions_open ON deductions (org_id, due_at) WHERE status = 'OPEN';
CREATE INDEX deductions_payment ON deductions (org_id, payment_id) WHERE payment_id IS NOT NULL;
CALL arflow_guard('deductions', 'SELECT, INSERT, UPDATE');
-- What was decided stays decided.
CREATE TRIGGER ended BEFORE UPDATE OF status, amount_minor, credit_note_id, ended_at ON deductions
  FOR EACH ROW WHEN (OLD.status <> 'OPEN') EXECUTE FUNCTION refuse_change();

ALTER TABLE invoices ADD COLUMN deducted_minor bigint NOT NULL DEFAULT 0;
-- Of rows that are there it holds by the default: they need not be read under the lock.
ALTER TABLE invoices ADD CONSTRAINT invoices_deducted CHECK (deducted_minor >= 0) NOT VALID;

INSERT INTO record_kinds (prefix, table_name, of_the_books) VALUES ('ded', 'deductions', true);
