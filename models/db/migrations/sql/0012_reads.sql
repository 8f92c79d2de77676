-- Indexes of the reads: aging on a day rolls back what moved after it, so it must find that without the history.

CREATE INDEX payment_applications_effective ON payment_applications (org_id, customer_id, effective_date);
DROP INDEX payment_applications_customer;
CREATE INDEX payment_applications_undone ON payment_applications (org_id, customer_id, undone_date) WHERE unapplied_at IS NOT NULL;
CREATE INDEX invoices_voided ON invoices (org_id, customer_id, void_date) WHERE voided_at IS NOT NULL;
CREATE INDEX payments_funds ON payments (org_id, customer_id, status) WHERE status <> 'FULLY_APPLIED';
