-- Every column of the ledger and of the trail is held by a hash, so that none can be altered unnoticed. Three could: they
-- said nothing that another column does not say, and go.

-- Entries are listed by their ids, which rise in the order of posting. Which transaction made an entry need not be kept
-- either: an entry is committed with its lines, so lines that come when others are there already come too late.
ALTER TABLE journal_entries DROP COLUMN number, DROP COLUMN txid;

CREATE OR REPLACE FUNCTION journal_lines_with_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT org_id, entry_id, count(*) AS lines FROM fresh GROUP BY org_id, entry_id) f
              WHERE f.lines <> (SELECT count(*) FROM journal_lines l WHERE l.org_id = f.org_id AND l.entry_id = f.entry_id)) THEN
    RAISE EXCEPTION 'the lines of an entry are added all at once, with it' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

-- An event is told by its subject and its place there. The column stays, empty, for as long as anything inserts it.
ALTER TABLE audit_events DROP COLUMN id;
ALTER TABLE audit_events ADD COLUMN id text;
CREATE FUNCTION audit_events_without_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.id := NULL;
  RETURN NEW;
END $$;
CREATE TRIGGER without_id BEFORE INSERT ON audit_events FOR EACH ROW WHEN (NEW.id IS NOT NULL) EXECUTE FUNCTION audit_events_without_id();
CREATE INDEX audit_events_at ON audit_events (org_id, at, subject_id, seq);

-- The hash is the same for no request and for an empty one; only the one is written from now on, so that the other shows.
ALTER TABLE audit_events DISABLE TRIGGER append_only;
UPDATE audit_events SET reason_code = nullif(reason_code, ''), request_id = nullif(request_id, ''), workflow_id = nullif(workflow_id, '')
  WHERE reason_code = '' OR request_id = '' OR workflow_id = '';
ALTER TABLE audit_events ENABLE TRIGGER append_only;

-- Erasing a customer tells, in the customer's own chain, whose contents it took away and up to where: any other content
-- that is gone was taken. Otherwise as in 0040.
CREATE OR REPLACE FUNCTION erase_customer(p_customer text, p_change text, p_keep boolean) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
  v_org text := current_setting('arflow.org_id', true);
  v_changes text[];
  v_records text[] := '{}';
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
  DELETE FROM customer_claims WHERE org_id = v_org AND customer_id = p_customer;
  -- Records of other rooms: whatever table carries the customer's id. The ledger's are the only ones that stay, and with
  -- them a deletion without p_keep has been refused.
  FOR v_table IN
    SELECT c.table_name AS name, EXISTS (SELECT FROM information_schema.columns i WHERE i.table_schema = 'public'
             AND i.table_name = c.table_name AND i.column_name = 'id') AS has_id
      FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
     WHERE c.table_schema = 'public' AND c.column_name = 'customer_id' AND t.table_type = 'BASE TABLE'
       AND c.table_name NOT IN ('customers', 'customer_changes', 'commands', 'invoices', 'payments', 'customer_credits',
                                'payment_applications', 'journal_lines')
     ORDER BY c.table_name DESC
  LOOP
    IF v_table.has_id THEN
      EXECUTE format('SELECT coalesce(array_agg(id), ''{}'') FROM %I WHERE org_id = $1 AND customer_id = $2', v_table.name)
        INTO v_found USING v_org, p_customer;
      v_records := v_records || v_found;
    END IF;
    EXECUTE format('DELETE FROM %I WHERE org_id = $1 AND customer_id = $2', v_table.name) USING v_org, p_customer;
  END LOOP;
  -- What asked for the deletion and decided it stays repeatable, unless it carries words of its own.
  DELETE FROM commands WHERE org_id = v_org AND operation <> 'customer.delete'
    AND (customer_id = p_customer OR resource_id = p_customer OR resource_id = ANY(v_changes || v_records)
         OR subject_id = ANY(v_changes || v_records || p_customer))
    AND NOT (resource_id = p_change AND body ->> 'comment' IS NULL);
  UPDATE exceptions SET detail = '{}', note = NULL
    WHERE org_id = v_org AND subject_id = ANY(v_changes || v_records || p_customer);
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

-- What was erased until now, in the organisation's chain.
DO $$
DECLARE e record;
BEGIN
  FOR e IN SELECT org_id, json_object_agg(subject_id, seq) AS subjects
             FROM (SELECT org_id, subject_id, max(seq) AS seq FROM audit_events WHERE payload IS NULL GROUP BY org_id, subject_id) x
            GROUP BY org_id ORDER BY org_id
  LOOP
    PERFORM audit_append(e.org_id, clock_timestamp(), json_build_array(json_build_object('subject_id', e.org_id,
      'id', 'aud_' || replace(gen_random_uuid()::text, '-', ''), 'actor', 'arflow', 'action', 'trail.erased',
      'payload', json_build_object('subjects', e.subjects)::text)));
  END LOOP;
END $$;
