-- An adjustment stands beside an application, and says of it what the application says of itself.
CREATE OR REPLACE FUNCTION adjustments_with_application() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM fresh f WHERE NOT EXISTS (
      SELECT FROM payment_applications a WHERE a.org_id = f.org_id AND a.id = f.application_id AND a.session_id = f.session_id
        AND a.payment_id = f.payment_id AND a.invoice_id = f.invoice_id AND a.customer_id = f.customer_id)) THEN
    RAISE EXCEPTION 'an adjustment is of another session, payment, invoice or customer than its application'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;
