-- For whom a customer pays: another's invoices, on the days between two ends that both belong to it; null is open. Overlaps are
-- refused by the rule, under the customer's row lock; circles too, under the organisation's lock of these entries.
CREATE TABLE customer_pays_for (
  org_id           text NOT NULL,
  id               text NOT NULL,
  customer_id      text NOT NULL,
  paid_customer_id text NOT NULL CHECK (paid_customer_id <> customer_id),
  valid_from       date,
  valid_until      date CHECK (valid_until >= valid_from),
  PRIMARY KEY (org_id, id),
  FOREIGN KEY (org_id, customer_id) REFERENCES customers,
  FOREIGN KEY (org_id, paid_customer_id) REFERENCES customers ON DELETE CASCADE
);
CREATE INDEX customer_pays_for_customer ON customer_pays_for (org_id, customer_id, id);
CREATE INDEX customer_pays_for_paid ON customer_pays_for (org_id, paid_customer_id, customer_id);
CALL arflow_guard('customer_pays_for', 'SELECT, INSERT, UPDATE, DELETE');
