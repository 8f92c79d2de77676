-- Erases a customer: its records, what changes, commands, exceptions, events and the audit trail said of it; what other
-- rooms keep of it (360 view, imports) with their own chains. Runs as the owner, because the application may not update
-- decisions, outbox events or audit payloads. With p_keep a pseudonym stays for the ledger to point to. It tells, in the
-- customer's own chain, whose contents it took away and up to where: any other content that is gone was taken.
CREATE OR REPLACE FUNCTION erase_customer(p_customer text, p_change text, p_keep boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  v_org text := current_setting('arflow.org_id', true);
  v_changes text[];
  v_records text[] := '{}';
  v_books text[] := '{}';
  v_found text[];
  v_subject text;
  v_table record;
  v_said jsonb;
BEGIN
  SELECT coalesce(array_agg(id), '{}') INTO v_changes FROM customer_changes WHERE org_id = v_org AND customer_id = p_customer;
  UPDATE customer_changes SET request = NULL, diff = NULL, warnings = '[]', external_id = NULL, body_hash = NULL, failure_detail = NULL
    WHERE org_id = v_org AND id = ANY(v_changes);
  UPDATE customer_change_steps SET comment = NULL WHERE org_id = v_org AND change_id = ANY(v_changes) AND comment IS NOT NULL;
  UPDATE customer_change_decisions SET comment = NULL WHERE org_id = v_org AND change_id = ANY(v_changes) AND comment IS NOT NULL;
  DELETE FROM approval_tokens WHERE org_id = v_org AND change_id = ANY(v_changes) AND used_at IS NULL;
  -- Approvals of what stays in the books stay with it, without what people wrote.
  UPDATE approval_steps s SET comment = NULL FROM approvals a WHERE a.org_id = v_org AND a.customer_id = p_customer
    AND s.org_id = a.org_id AND s.approval_id = a.id AND s.comment IS NOT NULL;
  UPDATE approval_decisions d SET comment = NULL FROM approvals a WHERE a.org_id = v_org AND a.customer_id = p_customer
    AND d.org_id = a.org_id AND d.approval_id = a.id AND d.comment IS NOT NULL;
  DELETE FROM customer_claims WHERE org_id = v_org AND customer_id = p_customer;
  -- Records of other rooms: whatever table carries the customer's id. The ledger's are the only ones that stay, and with
  -- them a deletion without p_keep has been refused.
  FOR v_table IN
    SELECT c.table_name AS name, EXISTS (SELECT FROM information_schema.columns i WHERE i.table_schema = 'public'
             AND i.table_name = c.table_name AND i.column_name = 'id') AS has_id
      FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND c.column_name = 'customer_id' AND t.table_type = 'BASE TABLE'
       AND c.table_name NOT IN ('customers', 'customer_changes', 'commands', 'journal_lines')
       AND c.table_name NOT IN (SELECT k.table_name FROM record_kinds k WHERE k.of_the_books)
     ORDER BY c.table_name DESC
  LOOP
    IF v_table.has_id THEN
      EXECUTE format('SELECT coalesce(array_agg(id), ''{}'') FROM %I WHERE org_id = $1 AND customer_id = $2', v_table.name)
        INTO v_found USING v_org, p_customer;
      v_records := v_records || v_found;
    END IF;
    EXECUTE format('DELETE FROM %I WHERE org_id = $1 AND customer_id = $2', v_table.name) USING v_org, p_customer;
  END LOOP;
  -- What the books keep of the customer, by id; and the texts in it.
  FOR v_table IN
    SELECT k.table_name AS name FROM record_kinds k JOIN information_schema.columns c ON c.table_schema = 'public'
       AND c.table_name = k.table_name AND c.column_name = 'customer_id' WHERE k.of_the_books ORDER BY k.table_name
  LOOP
    EXECUTE format('SELECT coalesce(array_agg(id), ''{}'') FROM %I WHERE org_id = $1 AND customer_id = $2', v_table.name)
      INTO v_found USING v_org, p_customer;
    v_books := v_books || v_found;
  END LOOP;
  UPDATE payments SET reference = NULL, remittance_text = NULL, payer = NULL, body = '{}', reversal_note = NULL
    WHERE org_id = v_org AND customer_id = p_customer;
  UPDATE application_sessions s SET body = '{}' FROM payments p
    WHERE p.org_id = v_org AND p.customer_id = p_customer AND s.org_id = p.org_id AND s.payment_id = p.id;
  UPDATE invoices i SET lines = (SELECT coalesce(jsonb_agg(l.line - 'description' ORDER BY l.n), '[]')
      FROM jsonb_array_elements(i.lines) WITH ORDINALITY AS l (line, n))
    WHERE i.org_id = v_org AND i.customer_id = p_customer AND i.lines <> '[]';
  UPDATE credit_notes SET note = NULL WHERE org_id = v_org AND customer_id = p_customer AND note IS NOT NULL;
  UPDATE adjustments SET note = NULL WHERE org_id = v_org AND customer_id = p_customer AND note IS NOT NULL;
  UPDATE write_offs SET note = NULL WHERE org_id = v_org AND customer_id = p_customer AND note IS NOT NULL;
  UPDATE deductions SET customer_reason = NULL, note = NULL, asked_note = NULL, end_note = NULL
    WHERE org_id = v_org AND customer_id = p_customer;
  UPDATE exceptions e SET detail = '{}', note = NULL FROM statement_lines x
    WHERE x.org_id = v_org AND x.payment_id = ANY(v_books) AND e.org_id = x.org_id AND e.subject_id = x.statement_id
      AND e.detail ->> 'line' = x.line::text;
  UPDATE statement_lines SET payer = NULL, reference = NULL, remittance_text = NULL, structured_references = '[]', texts = '[]',
      suggestions = '[]', waiting_for = NULL
    WHERE org_id = v_org AND payment_id = ANY(v_books);
  -- What asked for the deletion and decided it stays repeatable, unless it carries words of its own.
  DELETE FROM commands WHERE org_id = v_org AND operation <> 'customer.delete'
    AND (customer_id = p_customer OR resource_id = p_customer OR resource_id = ANY(v_changes || v_records)
         OR resource_id = ANY(v_books) OR subject_id = ANY(v_changes || v_records || v_books || p_customer))
    AND NOT (resource_id = p_change AND body ->> 'comment' IS NULL);
  UPDATE exceptions SET detail = '{}', note = NULL
    WHERE org_id = v_org AND subject_id = ANY(v_changes || v_records || v_books || p_customer);
  UPDATE outbox_events SET data = jsonb_build_object('customer_id', p_customer)
    WHERE org_id = v_org AND subject = ANY(v_records || p_customer) AND type <> 'customer.deleted';
  FOREACH v_subject IN ARRAY v_changes || v_records || p_customer LOOP
    PERFORM audit_erase(v_subject);
  END LOOP;
  SELECT jsonb_build_object('change_id', p_change, 'subjects', coalesce(jsonb_object_agg(h.subject_id, h.seq), '{}')) INTO v_said
    FROM audit_heads h WHERE h.org_id = v_org AND h.subject_id = ANY(v_changes || v_records || p_customer);
  PERFORM audit_append(v_org, clock_timestamp(), json_build_array(json_build_object('subject_id', p_customer,
    'id', 'aud_' || replace(gen_random_uuid()::text, '-', ''), 'actor', 'arflow', 'action', 'trail.erased', 'payload', v_said::text,
    'workflow_id', (SELECT c.workflow_id FROM customer_changes c WHERE c.org_id = v_org AND c.id = p_change))));
  IF p_keep THEN
    UPDATE customers SET name = 'Erased ' || id, name_key = lower('erased ' || id), email = id || '@erased.invalid',
      email_key = id || '@erased.invalid', external_id = NULL, tax_id = NULL, tax_id_key = NULL, phone = NULL, website = NULL,
      billing_email = NULL, notes = NULL, tax_code = NULL, metadata = '{}', status = 'inactive', erased_at = now(),
      version = version + 1, updated_at = now()
      WHERE org_id = v_org AND id = p_customer;
  ELSE
    DELETE FROM customers WHERE org_id = v_org AND id = p_customer;
  END IF;
END $$;
GRANT EXECUTE ON FUNCTION erase_customer(text, text, boolean) TO arflow_app;
