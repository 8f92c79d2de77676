-- The external id that an open change asks for counts as taken, as its e-mail and tax id do.
ALTER TABLE customer_claims DROP CONSTRAINT customer_claims_kind_check,
  ADD CONSTRAINT customer_claims_kind_check CHECK (kind IN ('email', 'tax_id', 'external_id')) NOT VALID;

INSERT INTO customer_claims (org_id, kind, key, change_id, customer_id)
  SELECT org_id, 'external_id', external_id, id, customer_id FROM customer_changes
   WHERE operation = 'create' AND external_id IS NOT NULL AND status IN ('PENDING_APPROVAL', 'FAILED')
  ON CONFLICT DO NOTHING;
