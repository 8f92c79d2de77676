-- After a miss: does this id exist in another organisation? Nothing else is answered.
CREATE OR REPLACE FUNCTION id_in_other_org(p_id text) RETURNS boolean
  LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE v_kind text := split_part(p_id, '_', 1); v_table text; v_found boolean;
BEGIN
  SELECT table_name INTO v_table FROM record_kinds WHERE prefix = v_kind;
  IF v_table IS NULL THEN RETURN false; END IF;
  EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE id = $1 AND org_id <> current_setting(''arflow.org_id'', true))', v_table)
    INTO v_found USING p_id;
  IF NOT v_found AND v_kind = 'cust' THEN -- one that waits for its approval
    SELECT EXISTS (SELECT FROM customer_changes WHERE customer_id = p_id AND operation = 'create'
                     AND status IN ('PENDING_APPROVAL', 'FAILED') AND org_id <> current_setting('arflow.org_id', true)) INTO v_found;
  END IF;
  RETURN v_found;
END $$;
GRANT EXECUTE ON FUNCTION id_in_other_org(text) TO arflow_app;
