-- Takes the texts from a range of rows of an import that has ended. The application itself may change none of them.
CREATE OR REPLACE FUNCTION import_prune(p_import text, p_after bigint, p_upto bigint) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_org text := current_setting('arflow.org_id');
BEGIN
  IF NOT EXISTS (SELECT FROM customer_imports WHERE org_id = v_org AND id = p_import AND ended_at IS NOT NULL) THEN
    RAISE EXCEPTION 'import % has not ended', p_import;
  END IF;
  UPDATE import_line_data SET raw = NULL
   WHERE import_id = p_import AND org_id = v_org AND row_no > p_after AND row_no <= p_upto AND raw IS NOT NULL;
  -- A row that was in order and was executed: its outcome says all.
  DELETE FROM import_row_data r USING import_outcomes o
   WHERE r.import_id = p_import AND r.org_id = v_org AND r.row_no > p_after AND r.row_no <= p_upto
     AND o.import_id = r.import_id AND o.row_no = r.row_no
     AND r.ok AND r.errors IS NULL AND r.warnings IS NULL AND r.duplicate IS NULL;
  UPDATE import_row_data SET external_id = NULL, name = NULL, email = NULL, name_key = NULL, email_key = NULL, tax_id = NULL,
         tax_id_key = NULL, phone = NULL, website = NULL, billing_email = NULL, notes = NULL, customer_type = NULL, credit_limit = NULL,
         payment_terms = NULL, currency_code = NULL, tax_code = NULL, revenue_account = NULL, metadata = NULL, related = NULL
   WHERE import_id = p_import AND org_id = v_org AND row_no > p_after AND row_no <= p_upto;
END $$;
GRANT EXECUTE ON FUNCTION import_prune(text, bigint, bigint) TO arflow_app;
