-- An adjustment is of its application's session, payment and invoice, which the application's own keys hold; that both say the
-- same is looked at once a statement.
ALTER TABLE adjustments DROP CONSTRAINT adjustments_org_id_session_id_fkey, DROP CONSTRAINT adjustments_org_id_payment_id_fkey,
  DROP CONSTRAINT adjustments_org_id_invoice_id_fkey;
CREATE TRIGGER with_application AFTER INSERT ON adjustments REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION adjustments_with_application();
