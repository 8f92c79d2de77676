-- A customer that waits for its approval is its organisation's already: another one's token is told so (403), as with
-- every other record. Only open creates count; what was rejected or withdrawn never existed.
CREATE INDEX customer_changes_pending_create ON customer_changes (customer_id)
  WHERE operation = 'create' AND status IN ('PENDING_APPROVAL', 'FAILED');

CREATE OR REPLACE FUNCTION id_in_other_org(p_id text) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
DECLARE v_kind text := split_part(p_id, '_', 1); v_table text; v_found boolean;
BEGIN
  v_table := CASE v_kind
    WHEN 'cust' THEN 'customers' WHEN 'invoice' THEN 'invoices' WHEN 'pay' THEN 'payments' WHEN 'papp' THEN 'payment_applications'
    WHEN 'cred' THEN 'customer_credits' WHEN 'je' THEN 'journal_entries' WHEN 'recon' THEN 'reconciliations' WHEN 'stmt' THEN 'statements'
    WHEN 'exc' THEN 'exceptions' WHEN 'chg' THEN 'customer_changes' WHEN 'imp' THEN 'customer_imports' WHEN 'act' THEN 'activities'
    WHEN 'opp' THEN 'opportunities' WHEN 'quote' THEN 'quotes' WHEN 'order' THEN 'orders' WHEN 'case' THEN 'cases'
    WHEN 'contract' THEN 'contracts' WHEN 'cont' THEN 'customer_contacts' WHEN 'nps' THEN 'nps_responses'
    WHEN 'whep' THEN 'webhook_endpoints' WHEN 'whdl' THEN 'webhook_deliveries' END;
  IF v_table IS NULL OR to_regclass(v_table) IS NULL THEN RETURN false; END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE id = $1 AND org_id <> current_setting(''arflow.org_id'', true))', v_table)
    INTO v_found USING p_id;
  IF NOT v_found AND v_kind = 'cust' THEN
    SELECT EXISTS (SELECT FROM customer_changes WHERE customer_id = p_id AND operation = 'create'
                     AND status IN ('PENDING_APPROVAL', 'FAILED') AND org_id <> current_setting('arflow.org_id', true)) INTO v_found;
  END IF;
  RETURN v_found;
END $$;

-- A decision may also come by a Temporal update with a token.
ALTER TABLE customer_change_decisions DROP CONSTRAINT customer_change_decisions_channel_check,
  ADD CONSTRAINT customer_change_decisions_channel_check CHECK (channel IN ('api', 'signal', 'update')) NOT VALID;
